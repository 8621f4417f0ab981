package revocation

import (
	"context"
	"crypto/x509"
	"errors"
	"math"
	"math/big"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/store"
)

// A Request asks for a revocation.
type Request struct {
	Serial     string // as ParseSerial reads it; of an SSH certificate plain decimal
	ReasonCode int    // CRLReason, RFC 5280 §5.3.1
	Reason     string // free text, for the record

	// Passive revocation keeps a certificate from being renewed and lists it in
	// the CRL. It is the only kind there is, and has to be asked for.
	Passive bool
}

// maxReasonCode is aACompromise. Compatible: 7, which RFC 5280 leaves unused, is
// accepted.
const maxReasonCode = 10

// maxReason is how many octets of the free text are kept.
const maxReason = 1000

// KeptReason returns what is kept of the free text.
func (r *Request) KeptReason() string { return r.Reason[:min(len(r.Reason), maxReason)] }

// Check reports what is wrong with the request itself, before anybody looks at
// who sent it. It is the order in which clients know the answers.
func (r *Request) Check() error {
	if r.Serial == "" {
		return ca.Errorf(ca.ErrMalformed, "missing serial")
	}
	if _, err := ParseSerial(r.Serial); err != nil {
		return err
	}
	return r.checkRest()
}

// CheckSSH is Check for an SSH certificate.
func (r *Request) CheckSSH() error {
	if r.Serial == "" {
		return ca.Errorf(ca.ErrMalformed, "missing serial")
	}
	n, err := strconv.ParseUint(r.Serial, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != r.Serial {
		return ca.Errorf(ca.ErrMalformed, "'%s' is not a valid serial number of an SSH certificate - use a base 10 representation", shorten(r.Serial))
	}
	if n == 0 { // which is how certificates say that they have none
		return ca.Errorf(ca.ErrMalformed, "a certificate without a serial number cannot be revoked by it: OpenSSH has no list of such certificates")
	}
	return r.checkRest()
}

func (r *Request) checkRest() error {
	if r.ReasonCode < 0 || r.ReasonCode > maxReasonCode {
		return ca.Errorf(ca.ErrMalformed, "reasonCode out of bounds")
	}
	if !r.Passive {
		return ca.Hidden(ca.ErrNotImplemented, "revocation other than passive was asked for")
	}
	return nil
}

// Evidence says who asks, after it was verified.
type Evidence struct {
	// Token is a provisioner's one-time token; nil if there is none.
	Token *Token

	// Certificate proves possession: the client certificate of the connection, or
	// the certificate that an ACME client asks about and has the right to revoke.
	// It takes no effect beside a token.
	Certificate *x509.Certificate

	// SSH is the SSH certificate whose key signed the token, and says what is not on
	// record; nil if another one did.
	SSH *ssh.Certificate

	// ACME says that Certificate stands for an ACME request.
	ACME bool

	Provisioner ca.ProvisionerRef // zero if it is not known
}

// A Token is what a verified token says of the certificate to be revoked.
type Token struct {
	Subject string        // has to be the decimal serial number
	OneTime *ca.OneTimeID // spent with the revocation; nil if it may be used again
}

// by returns what ca.Revocation.By says.
func (e *Evidence) by() string {
	switch {
	case e.Token != nil:
		return "token"
	case e.ACME:
		return "acme"
	}
	return "mtls"
}

// authorize compares the evidence with the decimal serial number.
func (e *Evidence) authorize(serial string) error {
	switch {
	case e.Token != nil:
		if e.Token.Subject != serial {
			return ca.Errorf(ca.ErrForbidden, "request serial number %q and token subject %q do not match", serial, shorten(e.Token.Subject))
		}
	case e.Certificate != nil:
		if have := e.Certificate.SerialNumber.String(); have != serial {
			return ca.Errorf(ca.ErrForbidden, "request serial number %q and certificate serial number %q do not match", serial, have)
		}
	default:
		return ca.Errorf(ca.ErrMalformed, "missing ott or client certificate")
	}
	return nil
}

// revocation returns the record of a request that was authorized.
func (e *Evidence) revocation(req *Request, serial string) (*ca.Revocation, *ca.OneTimeID) {
	rev := &ca.Revocation{
		Serial:      serial,
		Provisioner: e.Provisioner,
		ReasonCode:  req.ReasonCode,
		Reason:      req.KeptReason(),
		By:          e.by(),
	}
	if e.Token == nil || e.Token.OneTime == nil {
		return rev, nil
	}
	rev.TokenID = e.Token.OneTime.ID
	return rev, e.Token.OneTime
}

// Revoke records the revocation of an X.509 certificate, and spends the token in
// the same transaction. A certificate that is not on record is revoked as well:
// it may have been issued before the database was. The error has a kind, among
// them ca.ErrAlreadyRevoked.
func (s *Service) Revoke(ctx context.Context, req *Request, ev *Evidence) (*ca.Revocation, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	serial, err := ParseSerial(req.Serial)
	if err != nil {
		return nil, err
	}
	if err := ev.authorize(serial.String()); err != nil {
		return nil, err
	}
	rev, oneTime := ev.revocation(req, serial.String())
	rev.Issuer = s.settings.Load().defaultIssuer()
	if ev.Certificate != nil {
		rev.ExpiresAt = ev.Certificate.NotAfter.UTC()
	}
	// A requester who goes away must not leave a revocation that is stored but not
	// on the list, so the transaction ends in its own time.
	stored, err := s.store.Revoke(context.WithoutCancel(ctx), rev, oneTime)
	if err != nil {
		return nil, err
	}
	if stored.ExpiresAt.IsZero() {
		s.log.Warn("a certificate that is not on record was revoked", "serial", stored.Serial, "provisioner", stored.Provisioner)
	}
	s.add(stored, serial)
	return stored, nil
}

// RevokeSSH records the revocation of an SSH certificate, which the evidence (a
// token, always) authorizes. Serial is plain decimal.
func (s *Service) RevokeSSH(ctx context.Context, req *Request, ev *Evidence) error {
	if err := req.CheckSSH(); err != nil {
		return err
	}
	serial, err := strconv.ParseUint(req.Serial, 10, 64)
	if err != nil {
		return err // checked by CheckSSH
	}
	if ev.Token == nil {
		return ca.Errorf(ca.ErrMalformed, "missing ott")
	}
	if err := ev.authorize(req.Serial); err != nil {
		return err
	}
	rev, oneTime := ev.revocation(req, req.Serial)
	if crt := ev.SSH; crt != nil {
		describeSSH(rev, crt)
	}
	if err := s.store.SSHRevoke(ctx, rev, oneTime); err != nil {
		return err
	}
	s.krls.news()
	if _, err := s.store.SSHCertificate(ctx, serial); errors.Is(err, ca.ErrNotFound) {
		s.log.Warn("an SSH certificate that is not on record was revoked", "serial", req.Serial, "provisioner", rev.Provisioner)
	}
	return nil
}

// describeSSH says in a revocation what a certificate says of itself.
func describeSSH(rev *ca.Revocation, crt *ssh.Certificate) {
	if crt.ValidBefore <= math.MaxInt64 {
		rev.ExpiresAt = time.Unix(int64(crt.ValidBefore), 0).UTC()
	}
	switch crt.CertType {
	case ssh.UserCert:
		rev.Issuer = store.SSHIssuer(ca.SSHUser)
	case ssh.HostCert:
		rev.Issuer = store.SSHIssuer(ca.SSHHost)
	}
}

// Revoked returns the revocation of an X.509 certificate, or nil.
func (s *Service) Revoked(ctx context.Context, serial *big.Int) (*ca.Revocation, error) {
	return s.store.Revoked(ctx, serial)
}
