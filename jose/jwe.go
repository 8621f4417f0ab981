package jose

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	gojose "github.com/go-jose/go-jose/v4"
)

// Iterations is the PBES2 count (p2c) of the keys we encrypt.
const Iterations = 600_000

// MaxIterations bounds the work that a message may ask of the one who decrypts.
const MaxIterations = 1_000_000

// ErrInvalidPassword: the password does not open the message. Scripts look for
// this text.
var ErrInvalidPassword = errors.New("failed to decrypt JWE: invalid password")

// A JWE is an encrypted message (RFC 7516), in either serialization.
type JWE = gojose.JSONWebEncryption

var (
	passwordAlgorithms = []gojose.KeyAlgorithm{
		gojose.PBES2_HS256_A128KW, gojose.PBES2_HS384_A192KW, gojose.PBES2_HS512_A256KW,
	}
	keyAlgorithms = []gojose.KeyAlgorithm{
		gojose.RSA1_5, gojose.RSA_OAEP, gojose.RSA_OAEP_256,
		gojose.A128KW, gojose.A192KW, gojose.A256KW, gojose.DIRECT,
		gojose.ECDH_ES, gojose.ECDH_ES_A128KW, gojose.ECDH_ES_A192KW, gojose.ECDH_ES_A256KW,
		gojose.A128GCMKW, gojose.A192GCMKW, gojose.A256GCMKW,
	}
	contentEncryptions = []gojose.ContentEncryption{
		gojose.A128GCM, gojose.A192GCM, gojose.A256GCM,
		gojose.A128CBC_HS256, gojose.A192CBC_HS384, gojose.A256CBC_HS512,
	}
)

// IsPasswordAlgorithm reports whether alg is one of the PBES2 family.
func IsPasswordAlgorithm(alg string) bool {
	return slices.Contains(passwordAlgorithms, gojose.KeyAlgorithm(alg))
}

// EncryptOptions say how a message is encrypted.
type EncryptOptions struct {
	Algorithm   string // key management, RFC 7518 §4.1; empty means PBES2-HS256+A128KW for a password and the default for a key
	Encryption  string // content encryption, RFC 7518 §5.1; empty means A256GCM
	KeyID       string // kid; empty means the JWK's
	Type        string // typ; empty leaves it out
	ContentType string // cty; empty leaves it out
}

// EncryptWithPassword encrypts with a key derived from a password by PBES2, with
// a salt of 16 bytes and Iterations rounds.
func EncryptWithPassword(plaintext, password []byte, opts EncryptOptions) (*JWE, error) {
	if opts.Algorithm == "" {
		opts.Algorithm = string(gojose.PBES2_HS256_A128KW)
	}
	if !IsPasswordAlgorithm(opts.Algorithm) {
		return nil, fmt.Errorf("encrypting: algorithm %q does not take a password", opts.Algorithm)
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	return encrypt(plaintext, gojose.Recipient{Key: password, PBES2Count: Iterations, PBES2Salt: salt}, opts)
}

// Encrypt encrypts for the holder of a key: a public or symmetric JWK.
func Encrypt(plaintext []byte, key *JWK, opts EncryptOptions) (*JWE, error) {
	if opts.Algorithm == "" {
		if opts.Algorithm = key.Algorithm; opts.Algorithm == "" {
			opts.Algorithm = DefaultAlgorithm(key, UseEncryption)
		}
	}
	if err := CheckAlgorithm(key, UseEncryption, opts.Algorithm); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if opts.KeyID == "" {
		opts.KeyID = key.KeyID
	}
	return encrypt(plaintext, gojose.Recipient{Key: publicOf(key)}, opts)
}

func encrypt(plaintext []byte, to gojose.Recipient, opts EncryptOptions) (*JWE, error) {
	to.Algorithm, to.KeyID = gojose.KeyAlgorithm(opts.Algorithm), opts.KeyID
	enc := gojose.ContentEncryption(opts.Encryption)
	if enc == "" {
		enc = gojose.A256GCM
	}
	header := new(gojose.EncrypterOptions)
	if opts.Type != "" {
		header.WithType(gojose.ContentType(opts.Type))
	}
	if opts.ContentType != "" {
		header.WithContentType(gojose.ContentType(opts.ContentType))
	}
	encrypter, err := gojose.NewEncrypter(enc, to, header)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	jwe, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return jwe, nil
}

// ParseJWE parses either serialization of a JWE with one recipient.
func ParseJWE(data string) (*JWE, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("parsing JWE: larger than %d bytes", MaxSize)
	}
	//lint:ignore SA1019 either serialization is expected here
	jwe, err := gojose.ParseEncrypted(strings.TrimSpace(data), slices.Concat(passwordAlgorithms, keyAlgorithms), contentEncryptions)
	if err != nil {
		return nil, fmt.Errorf("parsing JWE: %w", err)
	}
	return jwe, nil
}

// DecryptWithPassword opens a message that EncryptWithPassword or a peer made.
// The error is ErrInvalidPassword if the password is wrong (or the message was
// damaged, which cannot be told apart).
func DecryptWithPassword(jwe *JWE, password []byte) ([]byte, error) {
	if !IsPasswordAlgorithm(jwe.Header.Algorithm) {
		return nil, fmt.Errorf("decrypting JWE: algorithm %q does not take a password", jwe.Header.Algorithm)
	}
	// go-jose stays within MaxIterations, but its error does not say so.
	if count, ok := jwe.Header.ExtraHeaders["p2c"].(float64); !ok || count < 1 || count > MaxIterations {
		return nil, fmt.Errorf("decrypting JWE: its iteration count is not between 1 and %d", MaxIterations)
	}
	plaintext, err := jwe.Decrypt(password)
	if err != nil {
		return nil, ErrInvalidPassword
	}
	return plaintext, nil
}

// Decrypt opens a message with a private or symmetric key.
func Decrypt(jwe *JWE, key *JWK) ([]byte, error) {
	if IsPasswordAlgorithm(jwe.Header.Algorithm) {
		return nil, fmt.Errorf("decrypting JWE: algorithm %q takes a password", jwe.Header.Algorithm)
	}
	plaintext, err := jwe.Decrypt(key.Key)
	if err != nil {
		return nil, fmt.Errorf("decrypting JWE: %w", err)
	}
	return plaintext, nil
}

// EncryptJWK encrypts a private key for storage, as provisioners' keys are:
// PBES2-HS256+A128KW, A256GCM, cty "jwk+json". CompactSerialize of the result
// goes into a provisioner's encryptedKey, FullSerialize into a key file.
func EncryptJWK(jwk *JWK, password []byte) (*JWE, error) {
	plaintext, err := json.Marshal(jwk)
	if err != nil {
		return nil, fmt.Errorf("encrypting JWK: %w", err)
	}
	return EncryptWithPassword(plaintext, password, EncryptOptions{ContentType: "jwk+json"})
}

// DecryptJWK opens an encrypted private key, in either serialization: a
// provisioner's encryptedKey or a key file. The error is ErrInvalidPassword if
// the password is wrong.
func DecryptJWK(data string, password []byte) (*JWK, error) {
	jwe, err := ParseJWE(data)
	if err != nil {
		return nil, err
	}
	plaintext, err := DecryptWithPassword(jwe, password)
	if err != nil {
		return nil, err
	}
	return ParseJWK(plaintext)
}
