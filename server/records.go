package server

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"math"
	"time"

	"golang.org/x/crypto/ssh"

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
	if r.store.MayForget(crt.NotAfter) {
		return rec, errForgotten(crt.NotAfter)
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

// errForgotten refuses a certificate that expired so long ago that it may have
// been revoked without a trace: claims may let it be renewed for ever.
func errForgotten(ended time.Time) error {
	return ca.Hidden(ca.ErrUnauthorized, "certificate expired at %s, longer ago than revocations are kept (db.retention.revocations)", ended.UTC().Format(time.RFC3339))
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
func (r records) SSHRevoked(ctx context.Context, crt *ssh.Certificate) (bool, error) {
	if !r.store.Keeps() {
		return false, nil
	}
	if crt.ValidBefore <= math.MaxInt64 {
		if ended := time.Unix(int64(crt.ValidBefore), 0); r.store.MayForget(ended) {
			return false, errForgotten(ended)
		}
	}
	revocation, err := r.store.SSHRevoked(ctx, crt.Serial)
	return revocation != nil, err
}
