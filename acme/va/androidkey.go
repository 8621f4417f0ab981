package va

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
)

// oidAndroidAttestation is Android's KeyDescription.
var oidAndroidAttestation = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 1, 17}

// tagIDSerial is ATTESTATION_ID_SERIAL in an AuthorizationList.
const tagIDSerial = 713

// An androidStatement is one of WebAuthn §8.4 without authData: x5c ends with
// the root, sig is of the attested key over the key authorization.
type androidStatement struct {
	chainStatement
	Signature cbor.RawMessage `cbor:"sig"`
}

// A keyDescription is the extension in which Android's keystore describes a key.
// The lists stay raw: only one of their some forty members matters.
type keyDescription struct {
	AttestationVersion       int
	AttestationSecurityLevel asn1.Enumerated
	KeyMintVersion           int
	KeyMintSecurityLevel     asn1.Enumerated
	AttestationChallenge     []byte
	UniqueID                 []byte
	SoftwareEnforced         asn1.RawValue
	HardwareEnforced         asn1.RawValue
}

func (v *Validator) verifyAndroidKey(ctx context.Context, req *acme.Validation, raw cbor.RawMessage) (*attested, *acme.Problem) {
	var s androidStatement
	if err := cborMode.Unmarshal(raw, &s); err != nil {
		return nil, bad("attStmt is malformed: %v", err)
	}
	chain, problem := s.parseChain()
	if problem != nil {
		return nil, problem
	}
	if problem := v.notRevoked(ctx, req, chain); problem != nil {
		return nil, problem
	}
	if problem := v.verifyAndroidChain(chain, rootsOr(req, googleRoots)); problem != nil {
		return nil, problem
	}
	crt, description, problem := describedKey(chain)
	if problem != nil {
		return nil, problem
	}
	var sig []byte
	if s.Signature == nil {
		return nil, bad("sig not present")
	}
	if cborMode.Unmarshal(s.Signature, &sig) != nil {
		return nil, bad("sig is malformed")
	}
	if problem := checkSignature(crt.PublicKey, []byte(req.KeyAuthorization), sig); problem != nil {
		return nil, problem
	}
	if subtle.ConstantTimeCompare(description.AttestationChallenge, []byte(req.KeyAuthorization)) != 1 {
		return nil, bad("challenge mismatch; expected %q, got %s", req.KeyAuthorization, quote(string(description.AttestationChallenge)))
	}
	if description.AttestationSecurityLevel < 1 {
		return nil, bad("the attestation was made by software, not by a trusted execution environment or StrongBox")
	}
	serial, err := hardwareSerial(description.HardwareEnforced)
	if err != nil {
		return nil, bad("the key description is malformed: %v", err)
	}
	return &attested{key: crt.PublicKey, names: []string{serial}}, nil
}

// verifyAndroidChain verifies the chain: its last certificate has to be one of
// the roots, or a re-issue of one with its key.
func (v *Validator) verifyAndroidChain(chain []*x509.Certificate, roots []*x509.Certificate) *acme.Problem {
	if len(chain) < 2 {
		return bad("missing root certificate in x5c chain")
	}
	if !slices.ContainsFunc(roots, func(root *x509.Certificate) bool { return sameAuthority(chain[len(chain)-1], root) }) {
		return bad("root certificate in chain is not trusted")
	}
	if problem := v.verifyChain(chain, nil, roots); problem != nil {
		return problem
	}
	// Path building may leave certificates out; here each has to be signed by the
	// next, since it matters which one describes the key.
	for i, crt := range chain[:len(chain)-1] {
		if err := crt.CheckSignatureFrom(chain[i+1]); err != nil {
			return bad("x5c is not valid: certificate %d: %v", i, err)
		}
	}
	return nil
}

// sameAuthority reports whether two certificates are of one authority with one key.
// Google has issued certificates of its root again and again, and devices send the
// one that was new when they were made.
func sameAuthority(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubject, b.RawSubject) && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

// describedKey returns the certificate with a KeyDescription that is nearest the
// root: a key in the keystore can sign certificates below its own, with
// descriptions that it made up.
func describedKey(chain []*x509.Certificate) (*x509.Certificate, *keyDescription, *acme.Problem) {
	for i := len(chain) - 1; i >= 0; i-- {
		for _, ext := range chain[i].Extensions {
			if !ext.Id.Equal(oidAndroidAttestation) {
				continue
			}
			if i != 0 {
				return nil, nil, bad("certificate %d of x5c is an attested key itself and cannot attest others", i)
			}
			description := new(keyDescription)
			if rest, err := asn1.Unmarshal(ext.Value, description); err != nil || len(rest) > 0 {
				return nil, nil, bad("the key description is malformed")
			}
			return chain[i], description, nil
		}
	}
	return nil, nil, bad("no certificate of x5c has a key description (extension %s)", oidAndroidAttestation)
}

// hardwareSerial returns attestationIdSerial of the list that hardware enforces,
// "" if it is not there.
func hardwareSerial(list asn1.RawValue) (string, error) {
	for rest := list.Bytes; len(rest) > 0; {
		var member asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &member); err != nil {
			return "", err
		}
		if member.Class != asn1.ClassContextSpecific || member.Tag != tagIDSerial {
			continue
		}
		var serial []byte
		if extra, err := asn1.Unmarshal(member.Bytes, &serial); err != nil || len(extra) > 0 {
			return "", fmt.Errorf("attestationIdSerial is not an OCTET STRING")
		}
		return string(serial), nil
	}
	return "", nil
}
