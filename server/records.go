package server

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"

	"stepca/ca"
	"stepca/issue"
	"stepca/provisioner"
	"stepca/store"
)

// records tell a renewal what is known of the certificate presented.
type records struct {
	store   *store.Store
	issuers []*issue.Authority
}

// X509Record implements provisioner.X509Records.
func (r records) X509Record(ctx context.Context, crt *x509.Certificate) (provisioner.X509Record, error) {
	var rec provisioner.X509Record
	if !r.store.Keeps() {
		rec.Own = r.own(crt)
		return rec, nil
	}
	revocation, err := r.store.Revoked(ctx, crt.SerialNumber)
	if err != nil {
		return rec, err
	}
	rec.Revoked = revocation != nil
	stored, err := r.store.Certificate(ctx, crt.SerialNumber)
	switch {
	case err != nil && !errors.Is(err, ca.ErrNotFound):
		return rec, err
	case err == nil && bytes.Equal(stored.DER, crt.Raw):
		// What is stored was signed by us: no need for the cost of asking again.
		rec.Stored, rec.Own, rec.Provisioner, rec.RA = true, true, stored.Provisioner, stored.RA
	default:
		rec.Own = r.own(crt)
	}
	return rec, nil
}

// own reports whether one of our issuers signed the certificate.
func (r records) own(crt *x509.Certificate) bool {
	for _, a := range r.issuers {
		issuer := a.Certificate()
		if bytes.Equal(crt.RawIssuer, issuer.RawSubject) && crt.CheckSignatureFrom(issuer) == nil {
			return true
		}
	}
	return false
}

// SSHHosts implements apiserver.SSHRecords.
func (r records) SSHHosts(ctx context.Context, p store.Page) ([]*store.SSHHost, string, error) {
	if !r.store.Keeps() {
		return nil, "", errors.New("the list of SSH hosts needs a database, and none is configured") // compatible: an internal error
	}
	return r.store.SSHHosts(ctx, p)
}

// SSHHostKnown implements apiserver.SSHRecords.
func (r records) SSHHostKnown(ctx context.Context, principal string) (bool, error) {
	return r.store.SSHHostValid(ctx, principal)
}

// SSHRevoked implements provisioner.SSHRecords.
func (r records) SSHRevoked(ctx context.Context, serial uint64) (bool, error) {
	if !r.store.Keeps() {
		return false, nil
	}
	revocation, err := r.store.SSHRevoked(ctx, serial)
	return revocation != nil, err
}
