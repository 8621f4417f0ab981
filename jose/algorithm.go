package jose

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512" // for crypto.Hash.New
	"fmt"
	"slices"
)

// Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	ES256 = "ES256"
	ES384 = "ES384"
	ES512 = "ES512"
	RS256 = "RS256"
	RS384 = "RS384"
	RS512 = "RS512"
	PS256 = "PS256"
	PS384 = "PS384"
	PS512 = "PS512"
	EdDSA = "EdDSA"
	HS256 = "HS256"
	HS384 = "HS384"
	HS512 = "HS512"

	// XEdDSA signs with X25519 keys, as Signal's specification of that name
	// says. It is in no registry; tokens of the Nebula provisioner have it.
	XEdDSA = "XEdDSA"
)

// SignatureAlgorithms returns the algorithms with a public key that a Verify
// may accept from a peer, XEdDSA aside; ACME lists them to its clients.
func SignatureAlgorithms() []string {
	return []string{ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA}
}

// hashOf returns the hash of the algorithms that sign a digest.
func hashOf(alg string) crypto.Hash {
	switch alg {
	case ES256, RS256, PS256, HS256:
		return crypto.SHA256
	case ES384, RS384, PS384, HS384:
		return crypto.SHA384
	case ES512, RS512, PS512, HS512:
		return crypto.SHA512
	default:
		return 0
	}
}

// Values of a JWK's use (RFC 7517 §4.2).
const (
	UseSignature  = "sig"
	UseEncryption = "enc"
)

// algorithms returns what a key may be used for, the default first; nothing if
// it is not for that use or not of a kind we know.
func algorithms(key any, use string) []string {
	enc := use == UseEncryption
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if enc {
			return []string{"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"}
		}
		switch k.Curve {
		case elliptic.P256():
			return []string{ES256}
		case elliptic.P384():
			return []string{ES384}
		case elliptic.P521():
			return []string{ES512}
		}
	case *rsa.PublicKey:
		if enc {
			return []string{"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"}
		}
		return []string{RS256, RS384, RS512, PS256, PS384, PS512}
	case ed25519.PublicKey:
		if !enc {
			return []string{EdDSA, "Ed25519"} // RFC 9864 §2.2 has the second name
		}
	case *ecdh.PublicKey:
		if !enc && k.Curve() == ecdh.X25519() {
			return []string{XEdDSA}
		}
	case []byte:
		if enc {
			return []string{"A256GCMKW", "A192GCMKW", "A128GCMKW", "A256KW", "A192KW", "A128KW", "dir"}
		}
		return []string{HS256, HS384, HS512}
	}
	return nil
}

// DefaultAlgorithm returns the algorithm that a key is used with when nothing
// else is said: ES256, ES384 or ES512 by curve, RS256, EdDSA, HS256; and for
// UseEncryption ECDH-ES, RSA-OAEP-256, A256GCMKW. It is empty if there is none.
// The key is public or private, or a JWK of either.
func DefaultAlgorithm(key any, use string) string {
	if algs := algorithms(publicOf(key), use); len(algs) > 0 {
		return algs[0]
	}
	return ""
}

// CheckAlgorithm returns an error if alg does not go with the key and its use,
// such as "alg 'RS256' is not compatible with kty 'EC' and crv 'P-256'".
func CheckAlgorithm(key any, use, alg string) error {
	pub := publicOf(key)
	if slices.Contains(algorithms(pub, use), alg) {
		return nil
	}
	kty, crv := kindOf(pub)
	switch {
	case kty == "OKP" && use == UseEncryption:
		return fmt.Errorf("key %s cannot be used for encryption", crv)
	case crv != "":
		return fmt.Errorf("alg '%s' is not compatible with kty '%s' and crv '%s'", alg, kty, crv)
	default:
		return fmt.Errorf("alg '%s' is not compatible with kty '%s'", alg, kty)
	}
}

// kindOf returns the kty and crv of a public or symmetric key.
func kindOf(pub any) (kty, crv string) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return "EC", k.Curve.Params().Name
	case *rsa.PublicKey:
		return "RSA", ""
	case ed25519.PublicKey:
		return "OKP", "Ed25519"
	case *ecdh.PublicKey:
		return "OKP", "X25519"
	case []byte:
		return "oct", ""
	default:
		return fmt.Sprintf("%T", pub), ""
	}
}

// publicOf returns the public half of a key or JWK, and a symmetric key as is.
func publicOf(key any) any {
	switch k := key.(type) {
	case *JWK:
		return publicOf(k.Key)
	case JWK:
		return publicOf(k.Key)
	case interface{ Public() crypto.PublicKey }:
		return k.Public()
	default:
		return key
	}
}
