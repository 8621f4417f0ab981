package provisioner

import (
	"context"
	"crypto/x509"
	"time"

	"stepca/ca"
)

// X509Records are what the CA remembers of the X.509 certificates it issued.
type X509Records interface {
	// X509Record returns what is known of a certificate. The zero value is that
	// of one we know nothing about; the error is that of the database.
	X509Record(ctx context.Context, crt *x509.Certificate) (X509Record, error)
}

// An X509Record is what is known of one certificate.
type X509Record struct {
	// Stored reports that exactly this certificate, and not only its serial
	// number, is stored.
	Stored bool

	// Own reports that the key of an issuer of this CA, active or retired,
	// signed the certificate.
	Own bool

	// Revoked reports that it is revoked.
	Revoked bool

	// Provisioner and RA are those it was issued for, if it is stored.
	Provisioner ca.ProvisionerRef
	RA          *ca.RegistrationAuthority
}

// Renew returns the grant for the renewal of a certificate of this CA, or with
// the operation ca.RekeyX509 for its key to change: that of req.Peer, or for a
// renewal without a peer that in the bearer token req.Token. It is then
// Grant.Renew.
//
// A token is spent by its digest, whoever issued the certificate.
func (c *Collection) Renew(ctx context.Context, req *ca.Request, records X509Records) (*ca.Grant, error) {
	op := ca.RenewX509
	if req.Operation == ca.RekeyX509 {
		op = ca.RekeyX509
	}
	var grant *ca.Grant
	var err error
	switch {
	case req.Peer != nil:
		grant, err = c.renewPeer(ctx, req.Peer, records)
	case req.Token != "" && op == ca.RenewX509:
		grant, err = c.renewBearer(ctx, req.Token, records)
	default:
		return nil, ca.Errorf(ca.ErrMalformed, "missing client certificate")
	}
	if err != nil {
		return nil, err
	}
	grant.Operation = op
	return grant, nil
}

func (c *Collection) renewPeer(ctx context.Context, crt *x509.Certificate, records X509Records) (*ca.Grant, error) {
	record, err := issuedHere(ctx, crt, records)
	if err != nil {
		return nil, err
	}
	e, err := c.issuedBy(crt, record)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return c.anonymous.renewGrant(ca.ProvisionerRef{}, crt)
	}
	return e.renew(ctx, crt, record)
}

// renew asks the provisioner for the renewal.
func (e *entry) renew(ctx context.Context, crt *x509.Certificate, record X509Record) (*ca.Grant, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(RenewAuthorizer)
	if !ok {
		return nil, refuse(e, ca.RenewX509)
	}
	grant, err := p.AuthorizeRenew(ctx, crt)
	if err != nil {
		return nil, err
	}
	grant.RA = record.RA
	return grant, nil
}

// issuedHere returns the record of a certificate that this CA issued and has not
// revoked. That it leads to our root is not enough: so do those of other CAs
// under the same root.
func issuedHere(ctx context.Context, crt *x509.Certificate, records X509Records) (X509Record, error) {
	record, err := records.X509Record(ctx, crt)
	switch {
	case err != nil:
		return record, err
	case record.Revoked:
		return record, ca.Hidden(ca.ErrUnauthorized, "certificate has been revoked")
	case !record.Stored && !record.Own:
		return record, ca.Hidden(ca.ErrUnauthorized, "certificate was not issued by this CA, but by %q", crt.Issuer)
	case crt.IsCA:
		return record, ca.Hidden(ca.ErrUnauthorized, "certificate is that of a CA, which is not renewed here")
	}
	return record, nil
}

// issuedBy returns the provisioner that a certificate of ours was issued for: by
// its record, or else by name and type in its extension. Without either it is
// nil: our key signed it offline.
func (c *Collection) issuedBy(crt *x509.Certificate, record X509Record) (*entry, error) {
	if e := c.byID[record.Provisioner.ID]; e != nil {
		return e, nil
	}
	ext, err := certificateExtension(crt)
	if err != nil {
		return nil, err
	}
	if ext == nil {
		if record.Provisioner.ID == "" {
			return nil, nil
		}
		return nil, ca.Hidden(ca.ErrUnauthorized, "provisioner %q of the certificate does not exist any more", record.Provisioner.Name)
	}
	if e := c.byName[string(ext.Name)]; e != nil && e.ref.Type == ext.Type.String() {
		return e, nil
	}
	return nil, ca.Hidden(ca.ErrUnauthorized, "provisioner %q of type %s, which the certificate names, does not exist",
		ext.Name, ext.Type)
}

// ByCertificate returns the provisioner that a certificate was issued for; false
// if there is none, or none any more. The certificate has been verified.
func (c *Collection) ByCertificate(crt *x509.Certificate, record X509Record) (Provisioner, bool) {
	e, err := c.issuedBy(crt, record)
	if err != nil || e == nil {
		return nil, false
	}
	return e.Provisioner, true
}

// certificateExtension returns the provisioner extension of a certificate, nil if
// it has none.
func certificateExtension(crt *x509.Certificate) (*ca.ProvisionerExtension, error) {
	for _, ext := range crt.Extensions {
		if !ext.Id.Equal(ca.OIDProvisioner) {
			continue
		}
		parsed, err := ca.ParseProvisionerExtension(ext.Value)
		if err != nil {
			return nil, ca.Hidden(ca.ErrUnauthorized, "reading the certificate's provisioner extension: %w", err)
		}
		return parsed, nil
	}
	return nil, nil
}

// renewGrant returns the grant for another certificate like crt, if the rules
// allow it.
func (n *Named) renewGrant(ref ca.ProvisionerRef, crt *x509.Certificate) (*ca.Grant, error) {
	if err := n.checkRenewable(crt.NotBefore, crt.NotAfter); err != nil {
		return nil, err
	}
	ext, err := certificateExtension(crt)
	if err != nil {
		return nil, err
	}
	return &ca.Grant{
		Operation:   ca.RenewX509,
		Provisioner: ref,
		Extension:   ext,
		Issuer:      n.issuer,
		Limits:      n.rules.TLS,
		Renew:       crt,
	}, nil
}

// checkRenewable applies the rules of renewal to a certificate's validity. A
// notAfter of zero is the end of time.
func (n *Named) checkRenewable(notBefore, notAfter time.Time) error {
	now := n.now()
	switch {
	case n.rules.DisableRenewal:
		return ca.Hidden(ca.ErrUnauthorized, "renew is disabled for provisioner '%s'", n.Name)
	case now.Before(notBefore):
		return ca.Hidden(ca.ErrUnauthorized, "certificate is not valid before %s", notBefore)
	case !notAfter.IsZero() && now.After(notAfter) && !n.rules.AllowRenewalAfterExpiry:
		return &ca.Error{
			Kind: ca.ErrUnauthorized,
			// The whole sentence, because clients look for it.
			Detail: "The request lacked necessary authorization to be completed: certificate expired on " + notAfter.String(),
		}
	}
	return nil
}
