package acme

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"stepca/ca"
	"stepca/jose"
)

// A ChallengeType names a way to prove control of an identifier.
type ChallengeType = ca.ChallengeType

// The types of challenges, as provisioners have them too.
const (
	HTTP01         = ca.HTTP01
	DNS01          = ca.DNS01
	TLSALPN01      = ca.TLSALPN01
	DNSAccount01   = ca.DNSAccount01
	DNSPersist01   = ca.DNSPersist01
	DeviceAttest01 = ca.DeviceAttest01
)

// ChallengesFor returns the types that can prove an identifier, in the order in
// which they are offered. An address is not in the DNS that dns-01 reads (RFC 8738
// §7), and a wildcard has no host to ask (RFC 8555 §8.4).
func ChallengesFor(id Identifier, wildcard bool) []ChallengeType {
	switch {
	case id.Type == ca.DNS && wildcard:
		return []ChallengeType{DNS01, DNSAccount01, DNSPersist01}
	case id.Type == ca.DNS:
		return []ChallengeType{DNS01, HTTP01, TLSALPN01, DNSAccount01, DNSPersist01}
	case id.Type == ca.IP:
		return []ChallengeType{HTTP01, TLSALPN01}
	case id.Type == ca.PermanentIdentifier:
		return []ChallengeType{DeviceAttest01}
	}
	return nil
}

// A Challenge is one way to fulfil an authorization (RFC 8555 §7.1.5), as it is
// stored.
type Challenge struct {
	ID     string        `json:"id"`
	Type   ChallengeType `json:"type"`
	Status Status        `json:"status"`

	// Token is 32 alphanumeric characters, "" for dns-persist-01.
	Token string `json:"token,omitempty"`

	Validated time.Time `json:"validated,omitzero"`
	Error     *Problem  `json:"error,omitempty"` // of the last attempt

	// OutcomeBy is set while the challenge is processing: the server has stored an
	// outcome by then, or has forgotten about it, as after a crash.
	OutcomeBy time.Time `json:"outcomeBy,omitzero"`
}

// Final reports whether the status will not change any more.
func (c *Challenge) Final() bool { return c.Status == StatusValid || c.Status == StatusInvalid }

// KeyAuthorization returns what proves that the holder of an account key has
// seen the challenge (RFC 8555 §8.1). thumbprint is that of RFC 7638, base64url.
func KeyAuthorization(token, thumbprint string) string { return token + "." + thumbprint }

// CheckResponse reports whether the payload of an answer to a challenge is a JSON
// object or empty. Compatible: RFC 8555 §7.5.1 asks for an object, clients of the
// reference send nothing as well.
func CheckResponse(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	var object map[string]json.RawMessage
	if err := jose.Unmarshal(payload, &object); err != nil || object == nil || !utf8.Valid(payload) {
		return NewProblem(ProblemMalformed, "the answer to a challenge has to be a JSON object")
	}
	return nil
}
