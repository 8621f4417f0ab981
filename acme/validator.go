package acme

import (
	"context"
	"crypto/x509"
)

// A Validator finds out whether the client fulfilled a challenge.
type Validator interface {
	// Validate makes one attempt, within the time that ctx allows. An error that
	// the client may read is a *Problem, whose Temporary says whether a further
	// attempt makes sense; any other error is the server's own trouble and is
	// repeated as well. The attestation is nil but for device-attest-01.
	Validate(ctx context.Context, v *Validation) (*Attestation, error)
}

// A CAAChecker is a Validator that can look up CAA records (RFC 8659) without
// validating a challenge: once more before issuance, when that was long ago.
type CAAChecker interface {
	// CheckCAA returns nil if the records let the CA issue for an authorization
	// that v's challenge made valid, within the time that ctx allows. Errors are as
	// those of Validate, of type caa for a refusal.
	CheckCAA(ctx context.Context, v *Validation) error
}

// A Validation is what a Validator needs to know. It is not changed by it.
type Validation struct {
	Type  ChallengeType
	Token string // of the challenge; "" for dns-persist-01

	// Identifier is without the "*." of a wildcard.
	Identifier Identifier
	Wildcard   bool

	KeyAuthorization string // RFC 8555 §8.1
	AccountURL       string // Location of the account: dns-account-01, dns-persist-01, CAA's accounturi

	// IssuerDomainNames are the CA's names in CAA records (RFC 8659) and for
	// dns-persist-01, lower case; nil if none are configured.
	IssuerDomainNames []string

	// CheckCAA asks for the CAA records of a DNS name to be obeyed (RFC 8659, RFC
	// 8657), after the challenge.
	CheckCAA bool

	// Payload is the client's answer to device-attest-01, a JSON object with the
	// statement, or nothing. It is nil for the other types.
	Payload []byte

	// AcceptsFormat reports whether a format of attestation statements is allowed;
	// AttestationRoots are the anchors, nil for the vendors' built-in ones.
	AcceptsFormat    func(format string) bool
	AttestationRoots []*x509.Certificate

	// RequirePermanentIdentifier refuses tpm attestations whose certificate names
	// no device. Compatible: the reference accepts them for any identifier.
	RequirePermanentIdentifier bool
}
