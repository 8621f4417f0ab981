package issue

import (
	"math"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// setSSHValidity chooses the validity of new contents: what the token says, else
// the request, else the template, else the grant's default. Backdate applies only
// where nobody chose the beginning.
func (i *Issuer) setSSHValidity(crt *ssh.Certificate, req *ca.SSHRequest, grant *ca.Grant) error {
	now := i.cfg.Now().UTC().Truncate(time.Second)
	vouched := &grant.SSH.Options
	after := firstSet(vouched.ValidAfter, req.Options.ValidAfter).At(now)
	before := firstSet(vouched.ValidBefore, req.Options.ValidBefore).At(now)
	if !after.IsZero() && !before.IsZero() && after.After(before) {
		return ca.Errorf(ca.ErrMalformed, "ssh certificate validAfter cannot be greater than validBefore")
	}
	for _, t := range []struct {
		name  string
		asked time.Time
		set   *uint64
	}{{"validAfter", after, &crt.ValidAfter}, {"validBefore", before, &crt.ValidBefore}} {
		switch {
		case t.asked.IsZero():
		case t.asked.Unix() <= 0:
			return ca.Errorf(ca.ErrMalformed, "ssh certificate %s cannot be before 1970", t.name)
		default:
			*t.set = uint64(t.asked.Unix())
		}
	}
	var backdate uint64
	if crt.ValidAfter == 0 {
		crt.ValidAfter = uint64(now.Unix())
		backdate = wholeSeconds(i.cfg.Backdate)
	}
	if crt.ValidBefore == 0 {
		limits := sshLimits(crt, grant)
		crt.ValidBefore = crt.ValidAfter + wholeSeconds(limits.Default)
		if w := limits.Window.NotAfter; !w.IsZero() {
			crt.ValidBefore = min(crt.ValidBefore, uint64(w.Unix()))
		}
	}
	crt.ValidAfter -= min(backdate, crt.ValidAfter)
	return nil
}

// setRenewedSSHValidity keeps the length of the certificate that is issued again.
// One without an end was not made by this CA's rules, and gets the longest time
// that they allow.
func (i *Issuer) setRenewedSSHValidity(crt, old *ssh.Certificate, grant *ca.Grant) {
	longest := wholeSeconds(sshLimits(old, grant).Max + i.cfg.Backdate)
	length := longest
	if old.ValidBefore <= math.MaxInt64 && old.ValidBefore > old.ValidAfter {
		length = old.ValidBefore - old.ValidAfter
	}
	if length > maxSSHSeconds {
		length = longest
	}
	crt.ValidAfter = uint64(i.cfg.Now().Add(-i.cfg.Backdate).Unix())
	crt.ValidBefore = crt.ValidAfter + length
}

// maxSSHSeconds is the longest validity that a time.Duration can tell, nearly
// 300 years.
const maxSSHSeconds = uint64(math.MaxInt64 / time.Second)

func firstSet(a, b ca.TimeOrDuration) ca.TimeOrDuration {
	if a.IsZero() {
		return b
	}
	return a
}

func wholeSeconds(d time.Duration) uint64 { return uint64(max(d, 0) / time.Second) }

// sshLimits returns the limits for the type that a certificate has.
func sshLimits(crt *ssh.Certificate, grant *ca.Grant) *ca.Limits {
	if crt.CertType == ssh.HostCert {
		return &grant.SSH.HostLimits
	}
	return &grant.SSH.UserLimits
}

// checkSSHValidity holds the rendered validity against the grant's limits. The
// texts are those that users of the reference know.
func (i *Issuer) checkSSHValidity(crt *ssh.Certificate, grant *ca.Grant) error {
	now := uint64(i.cfg.Now().Unix())
	switch {
	case crt.ValidAfter == 0:
		return ca.Errorf(ca.ErrMalformed, "ssh certificate validAfter cannot be 0")
	case crt.ValidBefore < now:
		return ca.Errorf(ca.ErrMalformed, "ssh certificate validBefore cannot be in the past")
	case crt.ValidBefore < crt.ValidAfter:
		return ca.Errorf(ca.ErrMalformed, "ssh certificate validBefore cannot be before validAfter")
	}
	if grant.Operation == ca.RenewSSH {
		return nil // its length was allowed once, and only its start moves
	}
	limits := sshLimits(crt, grant)
	if err := i.checkSSHWindow(crt, limits.Window); err != nil {
		return err
	}
	d := time.Duration(min(crt.ValidBefore-crt.ValidAfter, maxSSHSeconds)) * time.Second
	switch longest := limits.Max + i.cfg.Backdate; {
	case d < limits.Min:
		return ca.Errorf(ca.ErrForbidden, "requested duration of %v is less than minimum accepted duration for selected provisioner of %v", d, limits.Min)
	case d > longest:
		return ca.Errorf(ca.ErrForbidden, "requested duration of %v is greater than maximum accepted duration for selected provisioner of %v", d, longest)
	}
	return nil
}

// checkSSHWindow keeps the certificate within the validity of the credential that
// vouches for it.
func (i *Issuer) checkSSHWindow(crt *ssh.Certificate, w ca.Validity) error {
	after, before := time.Unix(int64(crt.ValidAfter), 0).UTC(), time.Unix(int64(min(crt.ValidBefore, math.MaxInt64)), 0).UTC()
	switch {
	case !w.NotBefore.IsZero() && after.Add(i.cfg.Backdate).Before(w.NotBefore):
		return ca.Errorf(ca.ErrForbidden, "requested certificate validAfter (%s) is before the provisioning credential is valid (%s)", after, w.NotBefore)
	case w.NotAfter.IsZero():
	case after.After(w.NotAfter):
		return ca.Errorf(ca.ErrForbidden, "provisioning credential expiration (%s) is before requested certificate validAfter (%s)", w.NotAfter, after)
	case before.After(w.NotAfter):
		return ca.Errorf(ca.ErrForbidden, "provisioning credential expiration (%s) is before requested certificate validBefore (%s)", w.NotAfter, before)
	}
	return nil
}
