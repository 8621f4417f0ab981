package va

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
)

// An androidStatement is one of WebAuthn §8.4 without authData: x5c ends with
// the root, sig is of the attested key over the key authorization.
type androidStatement struct {
	chainStatement
	Signature cbor.RawMessage `cbor:"sig"`
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
	serial, problem := description.device()
	if problem != nil {
		return nil, problem
	}
	return &attested{key: crt.PublicKey, names: []string{serial}}, nil
}

// verifyAndroidChain verifies the chain: its last certificate has to be one of
// the roots, or a re-issue of one with its key. The validity of the first
// certificate says nothing: the device writes it, by a clock that may be wrong, and
// what is fresh is the challenge.
func (v *Validator) verifyAndroidChain(chain []*x509.Certificate, roots []*x509.Certificate) *acme.Problem {
	last := len(chain) - 1
	if last < 1 {
		return bad("missing root certificate in x5c chain")
	}
	i := slices.IndexFunc(roots, func(root *x509.Certificate) bool { return sameAuthority(chain[last], root) })
	if i < 0 {
		return bad("root certificate in chain is not trusted")
	}
	above := append(slices.Clone(chain[1:last]), roots[i])
	if problem := v.verifyChain(above, nil, roots); problem != nil {
		return problem
	}
	if len(chain[0].UnhandledCriticalExtensions) > 0 {
		return bad("x5c is not valid: certificate 0 has a critical extension %s that is not known", chain[0].UnhandledCriticalExtensions[0])
	}
	// Path building may leave certificates out; here each has to be signed by the
	// next, since it matters which one describes the key.
	for i, crt := range chain[:last] {
		if !bytes.Equal(crt.RawIssuer, chain[i+1].RawSubject) {
			return bad("x5c is not valid: certificate %d was issued by %s, not by %s", i, clip(crt.Issuer.String()), clip(chain[i+1].Subject.String()))
		}
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
			description, err := parseKeyDescription(ext.Value)
			if err != nil {
				return nil, nil, bad("the key description is malformed: %v", err)
			}
			return chain[i], description, nil
		}
	}
	return nil, nil, bad("no certificate of x5c has a key description (extension %s)", oidAndroidAttestation)
}
