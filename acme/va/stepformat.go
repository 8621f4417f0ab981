package va

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
)

var (
	oidYubicoSerialNumber = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, 7}
	oidStepManagedDevice  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 37476, 9000, 64, 4}
)

// A stepStatement has the chain of a YubiKey's PIV slot, or of a device that
// works like one, and a signature of the attested key over the key
// authorization.
type stepStatement struct {
	chainStatement
	Signature cbor.RawMessage `cbor:"sig"`
}

func (v *Validator) verifyStep(_ context.Context, req *acme.Validation, raw cbor.RawMessage) (*attested, *acme.Problem) {
	var s stepStatement
	if err := cborMode.Unmarshal(raw, &s); err != nil {
		return nil, bad("attStmt is malformed: %v", err)
	}
	chain, problem := s.parseChain()
	if problem != nil {
		return nil, problem
	}
	handleF9(chain)
	if problem := v.verifyChain(chain, yubicoIntermediates(), rootsOr(req, yubicoRoots)); problem != nil {
		return nil, problem
	}
	sig, problem := s.signature()
	if problem != nil {
		return nil, problem
	}
	if problem := checkSignature(chain[0].PublicKey, []byte(req.KeyAuthorization), sig); problem != nil {
		return nil, problem
	}
	serial, err := stepSerial(chain[0])
	if err != nil {
		return nil, bad("the serial number of the device is malformed: %v", err)
	}
	return &attested{key: chain[0].PublicKey, names: []string{serial}}, nil
}

// handleF9 tells crypto/x509 that the certificate in slot F9 of a YubiKey 4 is one of
// a CA, which it does not say itself. Only what a root of Yubico signed is taken for
// one: the certificates of the other slots, which do not say more, are not.
func handleF9(chain []*x509.Certificate) {
	if len(chain) != 2 || chain[1].BasicConstraintsValid || chain[1].KeyUsage != 0 {
		return
	}
	for _, root := range yubicoRoots() {
		if bytes.Equal(chain[1].RawIssuer, root.RawSubject) && chain[1].CheckSignatureFrom(root) == nil {
			chain[1].BasicConstraintsValid, chain[1].IsCA, chain[1].MaxPathLenZero = true, true, true
		}
	}
}

// signature returns sig, a byte string that holds a CBOR byte string.
func (s *stepStatement) signature() ([]byte, *acme.Problem) {
	if s.Signature == nil {
		return nil, bad("sig not present")
	}
	var wrapped, sig []byte
	if cborMode.Unmarshal(s.Signature, &wrapped) != nil || cborMode.Unmarshal(wrapped, &sig) != nil {
		return nil, bad("sig is malformed")
	}
	return sig, nil
}

// checkSignature checks a signature over data: ECDSA with the digest that fits
// the curve, RSASSA-PKCS1-v1_5 with SHA-256, or Ed25519.
func checkSignature(pub crypto.PublicKey, data, sig []byte) *acme.Problem {
	var ok bool
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		hash := map[elliptic.Curve]crypto.Hash{elliptic.P256(): crypto.SHA256, elliptic.P384(): crypto.SHA384, elliptic.P521(): crypto.SHA512}[pub.Curve]
		if hash == 0 {
			return bad("unsupported elliptic curve %s", pub.Curve.Params().Name)
		}
		ok = ecdsa.VerifyASN1(pub, digest(hash, data), sig)
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest(crypto.SHA256, data), sig) == nil
	case ed25519.PublicKey:
		ok = ed25519.Verify(pub, data, sig)
	default:
		return bad("unsupported public key type %T", pub)
	}
	if !ok {
		return bad("failed to validate signature")
	}
	return nil
}

func digest(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// stepSerial returns the device's serial number: of the first extension that has
// one; "" if there is none.
func stepSerial(crt *x509.Certificate) (string, error) {
	for _, ext := range crt.Extensions {
		switch {
		case ext.Id.Equal(oidYubicoSerialNumber):
			var serial *big.Int
			_, err := asn1.Unmarshal(ext.Value, &serial)
			if err != nil {
				return "", err
			}
			return serial.String(), nil
		case ext.Id.Equal(oidStepManagedDevice):
			var device struct{ ID string }
			_, err := asn1.Unmarshal(ext.Value, &device)
			return device.ID, err
		}
	}
	return "", nil
}
