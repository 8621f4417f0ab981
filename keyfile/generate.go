package keyfile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// Key types and curves, as RFC 7518 §6.1 and RFC 8037 §2 name them. They are
// case-sensitive.
const (
	EC  = "EC"
	RSA = "RSA"
	OKP = "OKP"

	P256    = "P-256"
	P384    = "P-384"
	P521    = "P-521"
	Ed25519 = "Ed25519"
)

// Bounds on RSA keys, in bits.
const (
	MinRSABits = 2048
	MaxRSABits = 16384 // larger ones take minutes to make and seconds to use
)

// A KeySpec says which kind of key to generate. The zero value is EC P-256.
type KeySpec struct {
	Type  string // EC, RSA or OKP; empty means EC
	Curve string // for EC and OKP; empty means P-256 or Ed25519
	Size  int    // of an RSA key, in bits; zero means MinRSABits

	// AllowWeak permits RSA keys from 1024 to MinRSABits bits, for tests of
	// what others do with them.
	AllowWeak bool
}

// Generate returns a new private key: *ecdsa.PrivateKey, *rsa.PrivateKey or
// ed25519.PrivateKey.
func Generate(spec KeySpec) (crypto.Signer, error) {
	if spec.Type != RSA && spec.Size != 0 {
		return nil, fmt.Errorf("generating a key: a size goes with RSA keys only")
	}
	switch spec.Type {
	case EC, "":
		curve, err := curveNamed(spec.Curve)
		if err != nil {
			return nil, err
		}
		return ecdsa.GenerateKey(curve, rand.Reader)
	case OKP:
		if spec.Curve != "" && spec.Curve != Ed25519 {
			return nil, fmt.Errorf("generating a key: curve %q of type OKP is not supported, only Ed25519 is", spec.Curve)
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA:
		return generateRSA(spec)
	default:
		return nil, fmt.Errorf("generating a key: type %q is none of EC, RSA and OKP", spec.Type)
	}
}

func curveNamed(name string) (elliptic.Curve, error) {
	switch name {
	case P256, "":
		return elliptic.P256(), nil
	case P384:
		return elliptic.P384(), nil
	case P521:
		return elliptic.P521(), nil
	default:
		return nil, fmt.Errorf("generating a key: curve %q of type EC is none of P-256, P-384 and P-521", name)
	}
}

func generateRSA(spec KeySpec) (crypto.Signer, error) {
	if spec.Curve != "" {
		return nil, fmt.Errorf("generating a key: RSA keys have no curve")
	}
	bits := spec.Size
	if bits == 0 {
		bits = MinRSABits
	}
	least := MinRSABits
	if spec.AllowWeak {
		least = 1024
	}
	if bits < least || bits > MaxRSABits {
		return nil, fmt.Errorf("generating a key: an RSA key has %d to %d bits, not %d", least, MaxRSABits, bits)
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// Describe names the kind of a public key for people: "EC P-256", "RSA 2048",
// "OKP Ed25519".
func Describe(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return "EC " + k.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case ed25519.PublicKey:
		return "OKP Ed25519"
	default:
		return fmt.Sprintf("%T", pub)
	}
}
