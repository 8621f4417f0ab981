package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	gojose "github.com/go-jose/go-jose/v4"
)

// A JWK is a JSON Web Key (RFC 7517), public, private or symmetric. Its Key is
// an *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey, the corresponding
// private key, or a []byte.
type JWK = gojose.JSONWebKey

// A JWKSet is a set of them (RFC 7517 §5).
type JWKSet = gojose.JSONWebKeySet

// The library would stop at 4096 bits, where clients of ACME have RSA keys of 8192.
func init() { gojose.MaxRSAModulusBits = MaxRSABits }

// ParseJWK parses one JWK of at most MaxKeySize bytes.
func ParseJWK(data []byte) (*JWK, error) {
	if len(data) > MaxKeySize {
		return nil, fmt.Errorf("parsing JWK: larger than %d bytes", MaxKeySize)
	}
	jwk := new(JWK)
	if err := Unmarshal(data, jwk); err != nil {
		return nil, fmt.Errorf("parsing JWK: %w", err)
	}
	if secret, symmetric := jwk.Key.([]byte); symmetric && len(secret) == 0 || !symmetric && !jwk.Valid() {
		return nil, errors.New("parsing JWK: the key is not valid")
	}
	if pub, ok := publicOf(jwk).(*rsa.PublicKey); ok && pub.N.BitLen() > MaxRSABits {
		return nil, fmt.Errorf("parsing JWK: the RSA key has more than %d bits", MaxRSABits)
	}
	return jwk, nil
}

// ParseJWKSet parses a JWK set of at most MaxSize bytes. Keys of kinds we do
// not know are left out, as RFC 7517 §5 asks.
func ParseJWKSet(data []byte) (*JWKSet, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("parsing JWK set: larger than %d bytes", MaxSize)
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("parsing JWK set: %w", err)
	}
	set := new(JWKSet)
	for i, data := range raw.Keys {
		jwk, err := ParseJWK(data)
		switch {
		case errors.Is(err, gojose.ErrUnsupportedKeyType):
			continue
		case err != nil:
			return nil, fmt.Errorf("key %d of the set: %w", i, err)
		}
		set.Keys = append(set.Keys, *jwk)
	}
	return set, nil
}

// Thumbprint returns the SHA-256 thumbprint of a key (RFC 7638) in base64url. The
// key is public or private, or a JWK of either. Symmetric keys have none here:
// it would give away a hash of the secret.
func Thumbprint(key any) (string, error) {
	jwk := JWK{Key: publicOf(key)}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("computing the JWK thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// JWKParams are the members of a JWK beside the key itself.
type JWKParams struct {
	Use       string // empty means UseSignature
	Algorithm string // empty means DefaultAlgorithm
	KeyID     string // empty means the thumbprint, or none for a symmetric key
}

// NewJWK makes a JWK of a key, public, private or symmetric ([]byte). The error
// says if the algorithm does not go with the key.
func NewJWK(key any, p JWKParams) (*JWK, error) {
	if p.Use == "" {
		p.Use = UseSignature
	}
	if p.Algorithm == "" {
		p.Algorithm = DefaultAlgorithm(key, p.Use)
	}
	if err := CheckAlgorithm(key, p.Use, p.Algorithm); err != nil {
		return nil, err
	}
	if _, symmetric := key.([]byte); !symmetric && p.KeyID == "" {
		id, err := Thumbprint(key)
		if err != nil {
			return nil, err
		}
		p.KeyID = id
	}
	return &JWK{Key: key, Use: p.Use, Algorithm: p.Algorithm, KeyID: p.KeyID}, nil
}

// GenerateJWK returns a new private key for a JWK provisioner: EC P-256, ES256,
// use "sig", identified by its thumbprint.
func GenerateJWK() (*JWK, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return NewJWK(key, JWKParams{})
}
