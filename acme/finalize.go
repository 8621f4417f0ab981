package acme

import "time"

// A Claim is what a server takes on an order before it asks a key outside its
// process for the certificate, so that no other server which shares the database
// asks as well.
type Claim struct {
	ID    string    `json:"id"`    // of one attempt, random
	Until time.Time `json:"until"` // whoever has not finished by then has crashed
}

// Processing reports whether the certificate is being signed under a claim.
func (o *Order) Processing(now time.Time) bool {
	return o.Status == StatusReady && o.Claim != nil && now.Before(o.Claim.Until)
}

// CheckReady returns a *Problem if the order cannot be finalized now.
func (o *Order) CheckReady(now time.Time) error {
	o.Advance(now)
	switch {
	case o.Standalone:
		return NewProblem(ProblemOrderNotReady, "this is an authorization, not an order")
	case o.Status != StatusReady:
		return NewProblem(ProblemOrderNotReady, "the order is %s", o.Status)
	case o.Processing(now):
		return NewProblem(ProblemOrderNotReady, "the order is %s", StatusProcessing)
	}
	return nil
}

// Begin claims a ready order for an attempt to have its certificate signed. The
// error is a *Problem if the order is not ready, or is claimed.
func (o *Order) Begin(claim string, until, now time.Time) error {
	if err := o.CheckReady(now); err != nil {
		return err
	}
	o.Claim = &Claim{ID: claim, Until: until.UTC()}
	return nil
}

// Complete makes an order valid with its certificate: one that the attempt claimed,
// or without a claim ("") a ready one. The error is a *Problem for any other.
func (o *Order) Complete(claim, certificateID, serial string, now time.Time) error {
	held := claim != "" && o.Claim != nil && o.Claim.ID == claim && o.Status == StatusReady
	if !held {
		if err := o.CheckReady(now); err != nil {
			return err
		}
	}
	o.Status, o.CertificateID, o.Serial, o.Claim = StatusValid, certificateID, serial, nil
	return nil
}

// Release gives up the claim of an attempt that failed, so that another can begin.
func (o *Order) Release(claim string) {
	if o.Claim != nil && o.Claim.ID == claim {
		o.Claim = nil
	}
}
