package keyfile

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/scrypt"
)

// Iterations is the PBKDF2 iteration count of the keys we write.
const Iterations = 600_000

// Bounds on the work that an encrypted key may ask of its reader.
const (
	maxIterations   = 10_000_000 // of PBKDF2
	maxScryptMemory = 256 << 20  // bytes, 128·N·r
	maxScryptP      = 16
)

// Object identifiers of RFC 8018 appendix A and B, RFC 7914 §7.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}

	oidHMACWithSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACWithSHA224 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}

	oidDESEDE3CBC = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	oidAES128CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encryptedPrivateKeyInfo is that of RFC 5958 §3.
type encryptedPrivateKeyInfo struct {
	Algorithm     pkix.AlgorithmIdentifier
	EncryptedData []byte
}

// pbes2Params is PBES2-params of RFC 8018 §A.4.
type pbes2Params struct {
	KeyDerivation pkix.AlgorithmIdentifier
	Encryption    pkix.AlgorithmIdentifier
}

// pbkdf2Params is PBKDF2-params of RFC 8018 §A.2; an absent PRF is HMAC-SHA-1.
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// scryptParams is that of RFC 7914 §7.
type scryptParams struct {
	Salt      []byte
	N, R, P   int
	KeyLength int `asn1:"optional"`
}

// isEncryptedPKCS8 tells EncryptedPrivateKeyInfo from PrivateKeyInfo, which
// starts with a version.
func isEncryptedPKCS8(der []byte) bool {
	var info encryptedPrivateKeyInfo
	rest, err := asn1.Unmarshal(der, &info)
	return err == nil && len(rest) == 0
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo in DER. The error is
// ErrPassword if the password is wrong.
func decryptPKCS8(der, password []byte) (crypto.PrivateKey, error) {
	var info encryptedPrivateKeyInfo
	if err := unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("encryption scheme %v is not supported, only PBES2 is; convert the key with openssl pkcs8 -topk8 -v2 aes-256-cbc", info.Algorithm.Algorithm)
	}
	var params pbes2Params
	if err := unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, fmt.Errorf("the PBES2 parameters are malformed: %w", err)
	}
	scheme, err := findCipher(params.Encryption.Algorithm)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if err := unmarshal(params.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, fmt.Errorf("the initialization vector is malformed: %w", err)
	}
	kek, err := deriveKey(params.KeyDerivation, password, scheme.keyLen)
	if err != nil {
		return nil, err
	}
	plain, err := scheme.open(kek, iv, info.EncryptedData)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, ErrPassword // what a wrong key leaves can have good padding by chance
	}
	return key, nil
}

// encryptPKCS8 seals a PKCS #8 key with PBKDF2-HMAC-SHA-256 and AES-256-CBC,
// which OpenSSL reads since 1.0.
func encryptPKCS8(der, password []byte, iterations int) ([]byte, error) {
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	rand.Read(salt)
	rand.Read(iv)
	kek, err := pbkdf2.Key(sha256.New, string(password), salt, iterations, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	sealed := append([]byte{}, der...)
	for range pad {
		sealed = append(sealed, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)

	kdf, err := algorithm(oidPBKDF2, pbkdf2Params{
		Salt: salt, Iterations: iterations,
		PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue},
	})
	if err != nil {
		return nil, err
	}
	enc, err := algorithm(oidAES256CBC, iv)
	if err != nil {
		return nil, err
	}
	scheme, err := algorithm(oidPBES2, pbes2Params{KeyDerivation: kdf, Encryption: enc})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedPrivateKeyInfo{Algorithm: scheme, EncryptedData: sealed})
}

// deriveKey turns the password into a key of keyLen bytes as alg says.
func deriveKey(alg pkix.AlgorithmIdentifier, password []byte, keyLen int) ([]byte, error) {
	switch {
	case alg.Algorithm.Equal(oidPBKDF2):
		var p pbkdf2Params
		if err := unmarshal(alg.Parameters.FullBytes, &p); err != nil {
			return nil, fmt.Errorf("the PBKDF2 parameters are malformed: %w", err)
		}
		if p.Iterations < 1 || p.Iterations > maxIterations || (p.KeyLength != 0 && p.KeyLength != keyLen) {
			return nil, fmt.Errorf("PBKDF2 with %d iterations and key length %d is out of bounds", p.Iterations, p.KeyLength)
		}
		prf, err := findPRF(p.PRF.Algorithm)
		if err != nil {
			return nil, err
		}
		return pbkdf2.Key(prf, string(password), p.Salt, p.Iterations, keyLen)
	case alg.Algorithm.Equal(oidScrypt):
		var p scryptParams
		if err := unmarshal(alg.Parameters.FullBytes, &p); err != nil {
			return nil, fmt.Errorf("the scrypt parameters are malformed: %w", err)
		}
		return deriveScrypt(p, password, keyLen)
	default:
		return nil, fmt.Errorf("key derivation %v is not supported, only PBKDF2 and scrypt are", alg.Algorithm)
	}
}

// deriveScrypt is scrypt within the bounds on memory and time.
func deriveScrypt(p scryptParams, password []byte, keyLen int) ([]byte, error) {
	if p.N < 2 || p.R < 1 || p.P < 1 || p.P > maxScryptP || p.N > maxScryptMemory/128/p.R ||
		(p.KeyLength != 0 && p.KeyLength != keyLen) {
		return nil, fmt.Errorf("scrypt with N=%d, r=%d, p=%d is out of bounds", p.N, p.R, p.P)
	}
	return scrypt.Key(password, p.Salt, p.N, p.R, p.P, keyLen)
}

func findPRF(oid asn1.ObjectIdentifier) (func() hash.Hash, error) {
	switch {
	case len(oid) == 0 || oid.Equal(oidHMACWithSHA1):
		return sha1.New, nil
	case oid.Equal(oidHMACWithSHA224):
		return sha256.New224, nil
	case oid.Equal(oidHMACWithSHA256):
		return sha256.New, nil
	case oid.Equal(oidHMACWithSHA384):
		return sha512.New384, nil
	case oid.Equal(oidHMACWithSHA512):
		return sha512.New, nil
	default:
		return nil, fmt.Errorf("pseudorandom function %v is not supported", oid)
	}
}

// A cbcCipher is a block cipher in CBC mode with the padding of RFC 8018 §6.1.1.
type cbcCipher struct {
	keyLen int // bytes
	block  func(key []byte) (cipher.Block, error)
}

func findCipher(oid asn1.ObjectIdentifier) (cbcCipher, error) {
	switch {
	case oid.Equal(oidAES256CBC):
		return cbcCipher{32, aes.NewCipher}, nil
	case oid.Equal(oidAES192CBC):
		return cbcCipher{24, aes.NewCipher}, nil
	case oid.Equal(oidAES128CBC):
		return cbcCipher{16, aes.NewCipher}, nil
	case oid.Equal(oidDESEDE3CBC):
		return cbcCipher{24, des.NewTripleDESCipher}, nil
	default:
		return cbcCipher{}, fmt.Errorf("cipher %v is not supported; convert the key with openssl pkcs8 -topk8 -v2 aes-256-cbc", oid)
	}
}

// open decrypts and takes off the padding; bad padding is ErrPassword.
func (c cbcCipher) open(key, iv, sealed []byte) ([]byte, error) {
	block, err := c.block(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(sealed) == 0 || len(sealed)%size != 0 {
		return nil, errors.New("the encrypted key is malformed: wrong length")
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, sealed)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size {
		return nil, ErrPassword
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, ErrPassword
		}
	}
	return plain[:len(plain)-pad], nil
}

// algorithm returns the AlgorithmIdentifier of oid with params.
func algorithm(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, err
	}
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, nil
}

// unmarshal is asn1.Unmarshal without anything after the value.
func unmarshal(der []byte, value any) error {
	rest, err := asn1.Unmarshal(der, value)
	if err == nil && len(rest) > 0 {
		return errors.New("data after the value")
	}
	return err
}
