package store_test

import (
	"errors"
	"testing"
	"time"

	"stepca/ca"
	"stepca/store"
)

// TestRenewalOfRevoked checks that no renewal is recorded of a certificate that was
// revoked while the renewal was on its way, and that a refused one spends nothing.
func TestRenewalOfRevoked(t *testing.T) {
	t.Parallel()
	s, clk := newStore(t, store.Options{})
	ctx := t.Context()
	mustRecordSSH(t, s, sshCertificate(clk, 1, ca.SSHHost, "h", "h"), sshCertificate(clk, 2, ca.SSHHost, "h", "h"))
	if err := s.SSHRevoke(ctx, &ca.Revocation{Serial: "1"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Revoke(ctx, &ca.Revocation{Serial: "1"}, nil); err != nil {
		t.Fatal(err)
	}
	token := &ca.OneTimeID{ID: "t", Expires: clk.Now().Add(time.Hour)}
	renewSSH := func(serial uint64, from, identityFrom string) error {
		crt := sshCertificate(clk, serial, ca.SSHHost, "h", "h")
		crt.RenewedFrom = from
		iss := &store.SSHIssuance{Certificates: []*store.SSHCertificate{crt}, OneTime: token}
		if identityFrom != "" {
			iss.X509 = certificate(clk, 9, "p")
			iss.X509.RenewedFrom = identityFrom
		}
		return s.RecordSSH(ctx, iss)
	}
	renew := func(serial int64, from string) error {
		crt := certificate(clk, serial, "p")
		crt.RenewedFrom = from
		return s.Record(ctx, &store.Issuance{Certificate: crt, OneTime: token})
	}
	for _, test := range []struct {
		name string
		err  error
	}{
		{"SSH", renewSSH(3, "1", "")},
		{"SSH with a revoked identity", renewSSH(3, "2", "1")},
		{"X.509", renew(3, "1")},
	} {
		if !errors.Is(test.err, ca.ErrUnauthorized) || errors.Is(test.err, store.ErrTokenUsed) {
			t.Errorf("%s: %v", test.name, test.err)
		}
	}
	if page, _, err := s.SSHCertificates(ctx, store.SSHQuery{}); err != nil || len(page) != 2 {
		t.Errorf("%d SSH certificates on record, %v", len(page), err)
	}
	if err := renewSSH(3, "2", ""); err != nil {
		t.Errorf("another certificate, with the token of the refused ones: %v", err)
	}
	token = nil
	if err := renew(3, "2"); err != nil {
		t.Errorf("another X.509 certificate: %v", err)
	}
}
