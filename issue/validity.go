package issue

import (
	"fmt"
	"time"

	"stepca/ca"
)

// validity chooses the validity of new contents: what was asked for, else what
// the template wrote, else the grant's default. Backdate applies only where
// nobody chose NotBefore. The end is clamped to the issuer's own, because a
// certificate that outlives its issuer fails verification anyway.
func (i *Issuer) validity(req *ca.Request, grant *ca.Grant, template ca.Validity, issuer ca.Validity) ca.Validity {
	now := i.cfg.Now().UTC().Truncate(time.Second)
	start := req.NotBefore.At(now) // before any backdating
	var backdate time.Duration
	if start.IsZero() {
		start = template.NotBefore
	}
	if start.IsZero() {
		start, backdate = now, i.cfg.Backdate
	}
	end := req.NotAfter.At(start)
	if end.IsZero() {
		end = template.NotAfter
	}
	if end.IsZero() {
		end = start.Add(grant.Limits.Default)
		if w := grant.Limits.Window.NotAfter; !w.IsZero() && end.After(w) {
			end = w
		}
	}
	v := ca.Validity{
		NotBefore: start.Add(-backdate).UTC().Truncate(time.Second),
		NotAfter:  end.UTC().Truncate(time.Second),
	}
	return clamp(v, issuer)
}

// renewedValidity keeps the length of the certificate that is issued again.
func (i *Issuer) renewedValidity(old ca.Validity, issuer ca.Validity) ca.Validity {
	now := i.cfg.Now().UTC().Truncate(time.Second)
	return clamp(ca.Validity{
		NotBefore: now.Add(-i.cfg.Backdate),
		NotAfter:  now.Add(old.Duration() - i.cfg.Backdate),
	}, issuer)
}

// validity returns the period of the issuing certificate.
func (a *Authority) validity() ca.Validity {
	return ca.Validity{NotBefore: a.Chain[0].NotBefore, NotAfter: a.Chain[0].NotAfter}
}

func clamp(v, issuer ca.Validity) ca.Validity {
	if v.NotAfter.After(issuer.NotAfter) {
		v.NotAfter = issuer.NotAfter
	}
	return v
}

// checkValidity holds the rendered validity against the grant's limits. The
// texts are those that users of the reference know.
func (i *Issuer) checkValidity(v ca.Validity, grant *ca.Grant, issuer ca.Validity) error {
	now := i.cfg.Now()
	switch {
	case v.NotAfter.Before(now.Truncate(time.Second)):
		return ca.Errorf(ca.ErrMalformed, "notAfter cannot be in the past; na=%s", v.NotAfter)
	case v.NotAfter.Before(v.NotBefore):
		return ca.Errorf(ca.ErrMalformed, "notAfter cannot be before notBefore; na=%s, nb=%s", v.NotAfter, v.NotBefore)
	case v.NotAfter.After(issuer.NotAfter):
		return fmt.Errorf("the certificate would outlive its issuer, which expires on %s", issuer.NotAfter)
	}
	if grant.Renew != nil {
		return nil // its length was allowed once, and only its start moves
	}
	w := grant.Limits.Window
	switch {
	case !w.NotBefore.IsZero() && v.NotBefore.Add(i.cfg.Backdate).Before(w.NotBefore):
		return ca.Errorf(ca.ErrForbidden, "requested certificate notBefore (%s) is before the active validity window of the provisioning credential (%s)", v.NotBefore, w.NotBefore)
	case !w.NotAfter.IsZero() && v.NotAfter.After(w.NotAfter):
		return ca.Errorf(ca.ErrForbidden, "requested certificate notAfter (%s) is after the expiration of the provisioning credential (%s)", v.NotAfter, w.NotAfter)
	}
	d := v.Duration()
	switch maximum := grant.Limits.Max + i.cfg.Backdate; {
	case d < grant.Limits.Min && v.NotAfter.Equal(issuer.NotAfter):
		return ca.Errorf(ca.ErrForbidden, "the CA's own certificate expires on %s, which leaves less than the authorized minimum certificate duration of %v", issuer.NotAfter.Format(time.RFC3339), grant.Limits.Min)
	case d < grant.Limits.Min:
		return ca.Errorf(ca.ErrForbidden, "requested duration of %v is less than the authorized minimum certificate duration of %v", d, grant.Limits.Min)
	case d > maximum:
		return ca.Errorf(ca.ErrForbidden, "requested duration of %v is more than the authorized maximum certificate duration of %v", d, maximum)
	}
	return nil
}
