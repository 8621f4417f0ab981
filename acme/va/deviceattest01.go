package va

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
	"stepca/ca"
	"stepca/jose"
)

// The formats of attestation statements.
const (
	FormatApple      = ca.AttestationApple
	FormatStep       = ca.AttestationStep
	FormatTPM        = ca.AttestationTPM
	FormatAndroidKey = ca.AttestationAndroidKey
)

// maxAttestation bounds an attestation object, in bytes. A chain of certificates
// has some 10 KB.
const maxAttestation = 256 << 10

// maxChain is how many certificates a statement may have.
const maxChain = 10

// An attestationObject is what the client sends (WebAuthn §6.5.4 without
// authData).
type attestationObject struct {
	Format    string          `cbor:"fmt"`
	Statement cbor.RawMessage `cbor:"attStmt"`
}

// attested is what a statement says, once it is verified.
type attested struct {
	key crypto.PublicKey

	// names are the identifiers of the device. If there are none and unnamed is
	// set, the statement vouches for the key only.
	names   []string
	unnamed bool
}

// cborMode reads strictly and within bounds.
var cborMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  8,
		MaxArrayElements: 64,
		MaxMapPairs:      64,
		IndefLength:      cbor.IndefLengthForbidden,
	}.DecMode()
	if err != nil {
		panic(err) // constants
	}
	return mode
}()

// deviceAttest01 verifies the client's attestation statement
// (draft-ietf-acme-device-attest §5). Nothing of it can be retried.
func (v *Validator) deviceAttest01(ctx context.Context, req *acme.Validation) (*acme.Attestation, error) {
	object, problem := parseAttestation(req.Payload)
	if problem != nil {
		return nil, problem
	}
	verify, ok := map[string]func(context.Context, *acme.Validation, cbor.RawMessage) (*attested, *acme.Problem){
		FormatApple:      v.verifyApple,
		FormatStep:       v.verifyStep,
		FormatTPM:        v.verifyTPM,
		FormatAndroidKey: v.verifyAndroidKey,
	}[object.Format]
	if !ok {
		return nil, bad("unsupported attestation object format %s", quote(object.Format))
	}
	if req.AcceptsFormat == nil || !req.AcceptsFormat(object.Format) {
		return nil, bad("attestation format %q is not enabled", object.Format)
	}
	found, problem := verify(ctx, req, object.Statement)
	if problem != nil {
		return nil, problem
	}
	if problem := found.matches(req); problem != nil {
		return nil, problem
	}
	fingerprint, err := acme.KeyFingerprint(found.key)
	if err != nil {
		return nil, bad("the attested key cannot be used: %v", err)
	}
	return &acme.Attestation{Format: object.Format, KeyFingerprint: fingerprint}, nil
}

// parseAttestation reads the answer {"attObj": base64url}, or {"error": text}.
func parseAttestation(payload []byte) (*attestationObject, *acme.Problem) {
	var answer struct {
		AttObj string `json:"attObj"`
		Error  string `json:"error"`
	}
	if err := json.Unmarshal(payload, &answer); err != nil {
		return nil, terminal(acme.ProblemMalformed, "the answer to the challenge is not a JSON object with attObj")
	}
	if answer.Error != "" {
		return nil, terminal(acme.ProblemRejectedIdentifier, "the client could not attest: %s", quote(answer.Error))
	}
	if len(answer.AttObj) > maxAttestation {
		return nil, bad("attObj has more than %d bytes", maxAttestation)
	}
	data, err := base64.RawURLEncoding.DecodeString(answer.AttObj)
	if err != nil {
		return nil, bad("failed base64 decoding attObj %s", quote(answer.AttObj))
	}
	if len(data) == 0 || string(data) == "{}" {
		return nil, bad("attObj must not be empty")
	}
	if err := cborMode.Wellformed(data); err != nil {
		return nil, bad("attObj is not well formed CBOR: %v", err)
	}
	object := new(attestationObject)
	if err := cborMode.Unmarshal(data, object); err != nil {
		return nil, terminal(acme.ProblemMalformed, "attObj is not an attestation object: %v", err)
	}
	return object, nil
}

// matches checks the identifier of the order against the device's.
func (a *attested) matches(req *acme.Validation) *acme.Problem {
	want := req.Identifier.Value
	if len(a.names) == 0 && a.unnamed {
		return nil
	}
	for _, name := range a.names {
		if name == want && name != "" {
			return nil
		}
	}
	p := bad("permanent identifier does not match")
	detail := fmt.Sprintf("challenge identifier %q doesn't match any of the attested hardware identifiers %q", want, a.names)
	if len(a.names) == 1 {
		detail = fmt.Sprintf("challenge identifier %q doesn't match the attested hardware identifier %q", want, a.names[0])
	}
	p.Subproblems = []acme.Subproblem{acme.NewSubproblem(acme.ProblemRejectedIdentifier, req.Identifier, detail)}
	return p
}

// bad says why a statement is not believed.
func bad(format string, args ...any) *acme.Problem {
	return terminal(acme.ProblemBadAttestationStatement, format, args...)
}

// A chainStatement is the part that all formats have.
type chainStatement struct {
	X5C []cbor.RawMessage `cbor:"x5c"`
}

// parseChain parses x5c, leaf first.
func (s *chainStatement) parseChain() ([]*x509.Certificate, *acme.Problem) {
	switch {
	case s.X5C == nil:
		return nil, bad("x5c not present")
	case len(s.X5C) == 0:
		return nil, bad("x5c is empty")
	case len(s.X5C) > maxChain:
		return nil, bad("x5c has more than %d certificates", maxChain)
	}
	chain := make([]*x509.Certificate, len(s.X5C))
	for i, raw := range s.X5C {
		var der []byte
		if err := cborMode.Unmarshal(raw, &der); err != nil {
			return nil, bad("x5c is malformed")
		}
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, bad("x5c is malformed: %v", err)
		}
		if key, ok := crt.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > jose.MaxRSABits {
			return nil, bad("x5c has a certificate with an RSA key of more than %d bits", jose.MaxRSABits) // minutes of work to verify with
		}
		chain[i] = crt
	}
	return chain, nil
}

// verifyChain verifies a chain up to one of the roots, now. known are intermediates
// that clients may leave out.
func (v *Validator) verifyChain(chain, known, roots []*x509.Certificate) *acme.Problem {
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         pool(roots),
		Intermediates: pool(slices.Concat(chain[1:], known)),
		CurrentTime:   v.cfg.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return bad("x5c is not valid: %v", err)
	}
	return nil
}

// rootsOr returns the configured roots, or those of the vendor.
func rootsOr(req *acme.Validation, vendor func() []*x509.Certificate) []*x509.Certificate {
	if req.AttestationRoots != nil {
		return req.AttestationRoots
	}
	return vendor()
}
