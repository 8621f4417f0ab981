package acme

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"
)

// A ProblemType is an error type of ACME without its prefix (RFC 8555 §6.7 and
// the registry it founded).
type ProblemType string

// The problem types.
const (
	ProblemAccountDoesNotExist     ProblemType = "accountDoesNotExist"
	ProblemAlreadyReplaced         ProblemType = "alreadyReplaced" // RFC 9773 §7.4
	ProblemAlreadyRevoked          ProblemType = "alreadyRevoked"
	ProblemBadAttestationStatement ProblemType = "badAttestationStatement" // draft-ietf-acme-device-attest
	ProblemBadCSR                  ProblemType = "badCSR"
	ProblemBadNonce                ProblemType = "badNonce"
	ProblemBadPublicKey            ProblemType = "badPublicKey"
	ProblemBadRevocationReason     ProblemType = "badRevocationReason"
	ProblemBadSignatureAlgorithm   ProblemType = "badSignatureAlgorithm"
	ProblemCAA                     ProblemType = "caa"
	ProblemCompound                ProblemType = "compound"
	ProblemConnection              ProblemType = "connection"
	ProblemDNS                     ProblemType = "dns"
	ProblemExternalAccountRequired ProblemType = "externalAccountRequired"
	ProblemIncorrectResponse       ProblemType = "incorrectResponse"
	ProblemInvalidContact          ProblemType = "invalidContact"
	ProblemInvalidProfile          ProblemType = "invalidProfile" // draft-ietf-acme-profiles
	ProblemMalformed               ProblemType = "malformed"
	ProblemOrderNotReady           ProblemType = "orderNotReady"
	ProblemRateLimited             ProblemType = "rateLimited"
	ProblemRejectedIdentifier      ProblemType = "rejectedIdentifier"
	ProblemServerInternal          ProblemType = "serverInternal"
	ProblemTLS                     ProblemType = "tls"
	ProblemUnauthorized            ProblemType = "unauthorized"
	ProblemUnsupportedContact      ProblemType = "unsupportedContact"
	ProblemUnsupportedIdentifier   ProblemType = "unsupportedIdentifier"
	ProblemUserActionRequired      ProblemType = "userActionRequired"
)

// ProblemPrefix begins the URN of every ProblemType.
const ProblemPrefix = "urn:ietf:params:acme:error:"

// problemTypes are the sentence that begins each type's detail, and its usual
// HTTP status. Clients of the reference match the sentences.
var problemTypes = map[ProblemType]struct {
	status   int
	sentence string
}{
	ProblemAccountDoesNotExist:     {http.StatusBadRequest, "Account does not exist"},
	ProblemAlreadyReplaced:         {http.StatusConflict, "Certificate is already replaced"},
	ProblemAlreadyRevoked:          {http.StatusBadRequest, "Certificate already revoked"},
	ProblemBadAttestationStatement: {http.StatusBadRequest, "Attestation statement cannot be verified"},
	ProblemBadCSR:                  {http.StatusBadRequest, "The CSR is unacceptable"},
	ProblemBadNonce:                {http.StatusBadRequest, "Unacceptable anti-replay nonce"},
	ProblemBadPublicKey:            {http.StatusBadRequest, "The jws was signed by a public key the server does not support"},
	ProblemBadRevocationReason:     {http.StatusBadRequest, "The revocation reason provided is not allowed by the server"},
	ProblemBadSignatureAlgorithm:   {http.StatusBadRequest, "The JWS was signed with an algorithm the server does not support"},
	ProblemCAA:                     {http.StatusForbidden, "Certification Authority Authorization (CAA) records forbid the CA from issuing a certificate"},
	ProblemCompound:                {http.StatusBadRequest, "Specific error conditions are indicated in the \"subproblems\" array"},
	ProblemConnection:              {http.StatusBadRequest, "The server could not connect to validation target"},
	ProblemDNS:                     {http.StatusBadRequest, "There was a problem with a DNS query during identifier validation"},
	ProblemExternalAccountRequired: {http.StatusBadRequest, "The request must include a value for the \"externalAccountBinding\" field"},
	ProblemIncorrectResponse:       {http.StatusForbidden, "Response received didn't match the challenge's requirements"},
	ProblemInvalidContact:          {http.StatusBadRequest, "A contact URL for an account was invalid"},
	ProblemInvalidProfile:          {http.StatusBadRequest, "The requested profile is not offered by the server"},
	ProblemMalformed:               {http.StatusBadRequest, "The request message was malformed"},
	ProblemOrderNotReady:           {http.StatusForbidden, "The request attempted to finalize an order that is not ready to be finalized"},
	ProblemRateLimited:             {http.StatusTooManyRequests, "The request exceeds a rate limit"},
	ProblemRejectedIdentifier:      {http.StatusBadRequest, "The server will not issue certificates for the identifier"},
	ProblemServerInternal:          {http.StatusInternalServerError, "The server experienced an internal error"},
	ProblemTLS:                     {http.StatusBadRequest, "The server received a TLS error during validation"},
	ProblemUnauthorized:            {http.StatusForbidden, "The client lacks sufficient authorization"},
	ProblemUnsupportedContact:      {http.StatusBadRequest, "A contact URL for an account used an unsupported protocol scheme"},
	ProblemUnsupportedIdentifier:   {http.StatusBadRequest, "An identifier is of an unsupported type"},
	ProblemUserActionRequired:      {http.StatusForbidden, "Visit the \"instance\" URL and take actions specified there"},
}

// A Problem is a problem document (RFC 9457, RFC 8555 §6.7): an error that the
// client is told of, as the answer to a request or as the error of a challenge
// or an order.
type Problem struct {
	Type   string `json:"type"`   // with its prefix
	Detail string `json:"detail"` // for people; no secrets, no paths
	Status int    `json:"status,omitempty"`

	Instance string `json:"instance,omitempty"` // URL for a person to visit, with userActionRequired (RFC 8555 §7.3.3)

	Subproblems []Subproblem `json:"subproblems,omitempty"` // RFC 8555 §6.7.1

	// Algorithms are those accepted, with badSignatureAlgorithm (RFC 8555 §6.2).
	Algorithms []string `json:"algorithms,omitempty"`

	// Temporary says that the same attempt may succeed later: the name is not in
	// the DNS yet, the host did not answer. It decides whether a validation is
	// repeated.
	Temporary bool `json:"-"`

	RetryAfter time.Duration `json:"-"` // for the header of that name; zero for none
	Cause      error         `json:"-"` // for the log; nil for none
}

// A Subproblem is the part of a Problem that is about one identifier.
type Subproblem struct {
	Type       string      `json:"type"`
	Detail     string      `json:"detail"`
	Identifier *Identifier `json:"identifier,omitempty"`
}

// NewProblem returns a problem of a type with its usual status. The detail is
// the type's sentence, and after a colon the formatted reason, which an empty
// format leaves out. An error passed for %w becomes the Cause. Connection and DNS
// problems are temporary.
func NewProblem(typ ProblemType, format string, args ...any) *Problem {
	known := problemTypes[typ]
	p := &Problem{Type: ProblemPrefix + string(typ), Detail: known.sentence, Status: known.status}
	p.Temporary = typ == ProblemConnection || typ == ProblemDNS
	if format != "" {
		err := fmt.Errorf(format, args...)
		p.Detail += ": " + err.Error()
		p.Cause = errors.Unwrap(err)
	}
	return p
}

// Clip shortens what a peer sent to a number of octets, or a few less so as not to
// cut a character, for the detail of a problem.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > most-utf8.UTFMax && cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// NewSubproblem returns a subproblem; the detail is the reason alone.
func NewSubproblem(typ ProblemType, id Identifier, detail string) Subproblem {
	return Subproblem{Type: ProblemPrefix + string(typ), Detail: detail, Identifier: &id}
}

// HasType reports whether the problem has a type.
func (p *Problem) HasType(typ ProblemType) bool { return p.Type == ProblemPrefix+string(typ) }

// WithStatus sets another HTTP status and returns p.
func (p *Problem) WithStatus(status int) *Problem {
	p.Status = status
	return p
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Cause == nil {
		return p.Detail
	}
	return p.Detail + " (" + p.Cause.Error() + ")"
}

// Unwrap returns the Cause.
func (p *Problem) Unwrap() error { return p.Cause }

// LogValue implements slog.LogValuer.
func (p *Problem) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", p.Type), slog.String("detail", p.Error()))
}
