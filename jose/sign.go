package jose

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
)

// SignOptions say what a header holds beside the algorithm.
type SignOptions struct {
	Algorithm string         // empty means the JWK's, and else DefaultAlgorithm
	KeyID     string         // kid; empty means the JWK's, if it has one
	OmitKeyID bool           // leave kid out altogether
	Type      string         // typ; empty leaves it out
	Header    map[string]any // further members, such as x5c or sshpop
}

// Sign signs a payload. The key is a crypto.Signer with an EC, RSA or Ed25519
// key, wherever it is kept; an X25519 *ecdh.PrivateKey; or a JWK of a private
// key. For shared secrets there is SignHMAC.
func Sign(payload []byte, key any, opts SignOptions) (*JWS, error) {
	key = opts.fromJWK(key)
	if _, secret := key.([]byte); secret {
		return nil, fmt.Errorf("signing: %w: a symmetric key", ErrAlgorithm)
	}
	return sign(payload, key, opts)
}

// SignHMAC signs with a shared secret and HS256, HS384 or HS512.
func SignHMAC(payload, secret []byte, opts SignOptions) (*JWS, error) {
	if len(secret) == 0 {
		return nil, errors.New("signing: the secret is empty")
	}
	return sign(payload, secret, opts)
}

// SignClaims signs a JWT with the claims, any value that marshals to a JSON
// object, and returns its compact form. An empty Type means "JWT".
func SignClaims(claims any, key any, opts SignOptions) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing: the claims: %w", err)
	}
	if opts.Type == "" {
		opts.Type = "JWT"
	}
	jws, err := Sign(payload, key, opts)
	if err != nil {
		return "", err
	}
	return jws.Compact(), nil
}

// fromJWK returns the key of a JWK, and takes from the JWK what opts leave open.
func (o *SignOptions) fromJWK(key any) any {
	jwk, ok := key.(*JWK)
	if !ok {
		value, isJWK := key.(JWK)
		if !isJWK {
			return key
		}
		jwk = &value
	}
	if o.Algorithm == "" {
		o.Algorithm = jwk.Algorithm
	}
	if o.KeyID == "" {
		o.KeyID = jwk.KeyID
	}
	return jwk.Key
}

// header returns the JSON of the protected header.
func (o SignOptions) header() ([]byte, error) {
	members := maps.Clone(o.Header)
	if members == nil {
		members = make(map[string]any)
	}
	members["alg"] = o.Algorithm
	if o.KeyID != "" && !o.OmitKeyID {
		members["kid"] = o.KeyID
	}
	if o.Type != "" {
		members["typ"] = o.Type
	}
	return json.Marshal(members)
}

func sign(payload []byte, key any, opts SignOptions) (*JWS, error) {
	if opts.Algorithm == "" {
		opts.Algorithm = DefaultAlgorithm(key, UseSignature)
	}
	if err := CheckAlgorithm(key, UseSignature, opts.Algorithm); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	header, err := opts.header()
	if err != nil {
		return nil, fmt.Errorf("signing: the header: %w", err)
	}
	protected := encoding.EncodeToString(header)
	signed := protected + "." + encoding.EncodeToString(payload)
	signature, err := signBytes(key, opts.Algorithm, []byte(signed))
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	jws := &JWS{protected: protected, signed: signed, payload: payload, signature: signature}
	if jws.Header, err = parseHeader(header); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return jws, nil
}

// signBytes signs with an algorithm that goes with the key.
func signBytes(key any, alg string, signed []byte) ([]byte, error) {
	h := hashOf(alg)
	switch k := key.(type) {
	case []byte:
		return hmacSum(h, k, signed), nil
	case *ecdh.PrivateKey:
		return signXEdDSA(k, signed)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("cannot use a public key for signing")
	}
	if _, ok := signer.Public().(ed25519.PublicKey); ok {
		return signer.Sign(rand.Reader, signed, crypto.Hash(0))
	}
	hash := h.New()
	hash.Write(signed)
	digest := hash.Sum(nil)
	switch pub := signer.Public().(type) {
	case *ecdsa.PublicKey:
		der, err := signer.Sign(rand.Reader, digest, h)
		if err != nil {
			return nil, err
		}
		return fixedECDSA(pub, der)
	default:
		if strings.HasPrefix(alg, "PS") {
			return signer.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h})
		}
		return signer.Sign(rand.Reader, digest, h)
	}
}

// fixedECDSA turns an ECDSA signature in DER into R || S (RFC 7518 §3.4).
func fixedECDSA(pub *ecdsa.PublicKey, der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	size := coordinateSize(pub)
	if err != nil || len(rest) > 0 || sig.R.Sign() <= 0 || sig.S.Sign() <= 0 ||
		sig.R.BitLen() > 8*size || sig.S.BitLen() > 8*size {
		return nil, errors.New("the key manager returned a malformed ECDSA signature")
	}
	out := make([]byte, 2*size)
	sig.R.FillBytes(out[:size])
	sig.S.FillBytes(out[size:])
	return out, nil
}
