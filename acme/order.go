package acme

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"stepca/store"
)

// An Order asks for a certificate (RFC 8555 §7.1.3), as it is stored: with its
// authorizations and their challenges. One that is Standalone is no order.
type Order struct {
	ID        string    `json:"-"`
	AccountID string    `json:"-"`
	CreatedAt time.Time `json:"-"`

	Provisioner string       `json:"provisioner"` // ID of the provisioner it was made with
	Status      Status       `json:"status"`
	Expires     time.Time    `json:"expires"`     // UTC, whole seconds
	Identifiers []Identifier `json:"identifiers"` // canonical, each once

	NotBefore time.Time `json:"notBefore"` // as asked for, or the default; UTC
	NotAfter  time.Time `json:"notAfter"`

	// Standalone is set in the record of an authorization that exists without an
	// order (RFC 8555 §7.4.1), the only one in Authorizations; see NewStandalone.
	// There are no identifiers then, and nothing to finalize.
	Standalone bool `json:"standalone,omitempty"`

	Profile  string `json:"profile,omitempty"`  // draft-ietf-acme-profiles
	Replaces string `json:"replaces,omitempty"` // CertID of the predecessor, RFC 9773 §5

	// Claim is held by the server that has a key outside its process sign; nil for
	// none.
	Claim *Claim `json:"claim,omitempty"`

	Error          *Problem         `json:"error,omitempty"`
	Authorizations []*Authorization `json:"authorizations"`

	// CertificateID and Serial (decimal) are set when the order is valid.
	CertificateID string `json:"certificateId,omitempty"`
	Serial        string `json:"serial,omitempty"`

	// ReplacedBy is the ID of the order that said it replaces the certificate.
	ReplacedBy string `json:"replacedBy,omitempty"`
}

// LoadOrder decodes the record of an order.
func LoadOrder(rec *store.ACMEOrder) (*Order, error) {
	o := &Order{ID: rec.ID, AccountID: rec.AccountID, CreatedAt: rec.CreatedAt}
	if err := json.Unmarshal(rec.Data, o); err != nil {
		return nil, fmt.Errorf("order %s: %w", rec.ID, err)
	}
	return o, nil
}

// Clone returns a copy that can be changed. Problems, attestations and claims are
// never changed, and so shared.
func (o *Order) Clone() *Order {
	c := *o
	c.Identifiers = slices.Clone(o.Identifiers)
	c.Authorizations = make([]*Authorization, len(o.Authorizations))
	for i, a := range o.Authorizations {
		c.Authorizations[i] = a.clone()
	}
	return &c
}

// Save encodes the order into its record. How long the record is kept counts from
// keep.
func (o *Order) Save(rec *store.ACMEOrder, keep time.Time) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("order %s: %w", o.ID, err)
	}
	rec.ID, rec.AccountID, rec.CreatedAt, rec.ExpiresAt, rec.Data = o.ID, o.AccountID, o.CreatedAt, keep, data
	if o.Standalone {
		rec.Authorizes = &o.Authorizations[0].Identifier
	}
	return nil
}

// Advance brings the status up to date (RFC 8555 §7.1.6):
//
//	pending ── authorization failed, or time out ──> invalid
//	   │ all authorizations valid                       ^
//	   V                                                │
//	 ready ──── time out, authorization deactivated ────┤
//	   │ finalize                                       │
//	   V                                                │
//	processing ── error ────────────────────────────────┘
//	   │ certificate recorded
//	   V
//	 valid
//
// Processing is not stored: the step from ready to valid is one transaction. While
// a claim lasts, an order stays as it was when the signature was asked for.
func (o *Order) Advance(now time.Time) {
	if (o.Status != StatusPending && o.Status != StatusReady) || o.Processing(now) {
		return
	}
	if !now.Before(o.Expires) {
		o.Status = StatusInvalid
		o.Error = NewProblem(ProblemMalformed, "the order expired on %s", o.Expires.Format(time.RFC3339))
		return
	}
	ready := true
	for _, a := range o.Authorizations {
		switch status := a.StatusAt(now); status {
		case StatusValid:
		case StatusPending:
			ready = false
		default:
			o.Status, o.Error = StatusInvalid, a.failure(status)
			return
		}
	}
	o.Status = StatusPending
	if ready {
		o.Status = StatusReady
	}
}

// failure is the error of an order that this authorization made invalid.
func (a *Authorization) failure(status Status) *Problem {
	for _, c := range a.Challenges {
		if c.Status == StatusInvalid && c.Error != nil {
			p := *c.Error
			id := a.Identifier
			p.Subproblems = []Subproblem{{Type: p.Type, Detail: p.Detail, Identifier: &id}}
			return &p
		}
	}
	return NewProblem(ProblemUnauthorized, "the authorization for %s %q is %s", a.Identifier.Type, a.Identifier.Value, status)
}

// Authorization returns the authorization with an ID, or nil.
func (o *Order) Authorization(id string) *Authorization {
	for _, a := range o.Authorizations {
		if a.ID == id {
			return a
		}
	}
	return nil
}
