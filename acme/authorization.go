package acme

import "time"

// An Authorization says whether an account controls an identifier (RFC 8555
// §7.1.4), as it is stored in its order.
type Authorization struct {
	ID         string     `json:"id"`
	Identifier Identifier `json:"identifier"` // without the "*." of a wildcard
	Wildcard   bool       `json:"wildcard,omitempty"`

	// Status is pending, valid, invalid or deactivated. That it expired follows
	// from Expires: see StatusAt.
	Status     Status       `json:"status"`
	Expires    time.Time    `json:"expires"` // UTC, whole seconds
	Challenges []*Challenge `json:"challenges"`

	Attestation *Attestation `json:"attestation,omitempty"` // of a valid device-attest-01

	// CAAChecked is when CAA records were last found to allow issuance, UTC; zero
	// if nobody looked.
	CAAChecked time.Time `json:"caaChecked,omitzero"`
}

// StatusAt returns the status at a time (RFC 8555 §7.1.6):
//
//	               pending ── challenge invalid, or time out ──> invalid
//	                  │
//	            challenge valid
//	                  V
//	expired <──── valid ────> deactivated, revoked
func (a *Authorization) StatusAt(now time.Time) Status {
	if now.Before(a.Expires) {
		return a.Status
	}
	switch a.Status {
	case StatusValid:
		return StatusExpired
	case StatusPending:
		return StatusInvalid
	}
	return a.Status
}

func (a *Authorization) clone() *Authorization {
	c := *a
	c.Challenges = make([]*Challenge, len(a.Challenges))
	for i, challenge := range a.Challenges {
		copied := *challenge
		c.Challenges[i] = &copied
	}
	return &c
}

// Challenge returns the challenge with an ID, or nil.
func (a *Authorization) Challenge(id string) *Challenge {
	for _, c := range a.Challenges {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// Fulfilled returns the challenge that made the authorization valid, or nil.
func (a *Authorization) Fulfilled() *Challenge {
	for _, c := range a.Challenges {
		if c.Status == StatusValid {
			return c
		}
	}
	return nil
}

// Name returns the identifier as an order has it: with the "*." of a wildcard.
func (a *Authorization) Name() Identifier {
	id := a.Identifier
	if a.Wildcard {
		id.Value = "*." + id.Value
	}
	return id
}

// Deactivate ends the authorization as its owner wishes (RFC 8555 §7.5.2). The
// error is a *Problem if it is final already.
func (a *Authorization) Deactivate(now time.Time) error {
	switch status := a.StatusAt(now); status {
	case StatusPending, StatusValid:
		a.Status = StatusDeactivated
		return nil
	case StatusDeactivated:
		return nil
	default:
		return NewProblem(ProblemMalformed, "the authorization is %s and cannot be deactivated", status)
	}
}

// Succeed records that a challenge was fulfilled. It changes nothing, and reports
// so, if the authorization is not pending any more.
func (a *Authorization) Succeed(c *Challenge, att *Attestation, now time.Time) bool {
	if a.StatusAt(now) != StatusPending || c.Final() {
		return false
	}
	c.Status, c.Validated, c.Error, c.OutcomeBy = StatusValid, now.UTC().Truncate(time.Second), nil, time.Time{}
	a.Status, a.Attestation = StatusValid, att
	return true
}

// Fail records that a challenge was not fulfilled, for good: with it the
// authorization is invalid (RFC 8555 §7.1.6). It changes nothing, and reports so,
// if the authorization is not pending any more.
func (a *Authorization) Fail(c *Challenge, p *Problem, now time.Time) bool {
	if a.StatusAt(now) != StatusPending || c.Final() {
		return false
	}
	c.Status, c.Error, c.OutcomeBy = StatusInvalid, p, time.Time{}
	a.Status = StatusInvalid
	return true
}

// Postpone records an attempt that failed and will be repeated, with an outcome by a
// time.
func (a *Authorization) Postpone(c *Challenge, p *Problem, outcomeBy, now time.Time) bool {
	if a.StatusAt(now) != StatusPending || c.Final() {
		return false
	}
	c.Status, c.Error, c.OutcomeBy = StatusProcessing, p, outcomeBy.UTC().Truncate(time.Second)
	return true
}

// Begin records that an attempt is under way, with an outcome by a time. It changes
// nothing, and reports so, unless authorization and challenge are pending.
func (a *Authorization) Begin(c *Challenge, outcomeBy, now time.Time) bool {
	return c.Status == StatusPending && a.Postpone(c, c.Error, outcomeBy, now)
}

// Leave records that nobody is at the challenge any more, whose attempts had no
// outcome: whoever looks at it next begins again.
func (a *Authorization) Leave(c *Challenge, now time.Time) bool {
	return a.Postpone(c, c.Error, time.Time{}, now)
}
