package revocation_test

import (
	"context"
	"errors"
	"math/big"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

func TestRevokeChecksInOrder(t *testing.T) {
	t.Parallel()
	s, a := startOne(t, revocation.CRLSettings{})
	leaf := a.leaf(t, big.NewInt(77))
	tests := []struct {
		name string
		req  revocation.Request
		ev   *revocation.Evidence
		kind error
		text string // "" if it is not for the requester
	}{
		{"no serial", revocation.Request{ReasonCode: 11}, nil, ca.ErrMalformed, "missing serial"},
		{"bad serial", revocation.Request{Serial: "zz", ReasonCode: 11}, nil, ca.ErrMalformed,
			"'zz' is not a valid serial number - use a base 10 representation or a base 16 representation with '0x' prefix"},
		{"reason too large", revocation.Request{Serial: "1", ReasonCode: 11}, nil, ca.ErrMalformed, "reasonCode out of bounds"},
		{"reason negative", revocation.Request{Serial: "1", ReasonCode: -1}, nil, ca.ErrMalformed, "reasonCode out of bounds"},
		{"not passive", revocation.Request{Serial: "1"}, nil, ca.ErrNotImplemented, ""},
		{"no evidence", revocation.Request{Serial: "1", Passive: true}, &revocation.Evidence{}, ca.ErrMalformed, "missing ott or client certificate"},
		{"token for another", revocation.Request{Serial: "0x10", Passive: true}, token("0x10"), ca.ErrForbidden,
			`request serial number "16" and token subject "0x10" do not match`},
		{"certificate of another", revocation.Request{Serial: "12", Passive: true}, &revocation.Evidence{Certificate: leaf}, ca.ErrForbidden,
			`request serial number "12" and certificate serial number "77" do not match`},
	}
	for _, tt := range tests {
		_, err := s.Revoke(t.Context(), &tt.req, tt.ev)
		var shown *ca.Error
		if !errors.Is(err, tt.kind) || !errors.As(err, &shown) || shown.Detail != tt.text {
			t.Errorf("%s: %v, want %v with text %q", tt.name, err, tt.kind, tt.text)
		}
	}
}

func TestRevokeRecordsWhoAndWhy(t *testing.T) {
	t.Parallel()
	s, a := startOne(t, revocation.CRLSettings{})
	req := &revocation.Request{Serial: "0x10", ReasonCode: 7, Reason: "stolen", Passive: true}
	if _, err := s.Revoke(t.Context(), req, token("16")); err != nil {
		t.Fatal(err)
	}
	rev, err := s.Revoked(t.Context(), big.NewInt(16))
	if err != nil || rev == nil {
		t.Fatalf("Revoked = %v, %v", rev, err)
	}
	if rev.By != "token" || rev.TokenID != "token of 16" || rev.ReasonCode != 7 || rev.Reason != "stolen" ||
		rev.Issuer != "default" || rev.Provisioner.Name != "admin" {
		t.Errorf("record %+v", rev)
	}
	_, err = s.Revoke(t.Context(), req, &revocation.Evidence{Token: &revocation.Token{Subject: "16"}})
	if want := "certificate with serial number '16' is already revoked"; !errors.Is(err, ca.ErrAlreadyRevoked) || err.Error() != want {
		t.Errorf("again: %v, want %s", err, want)
	}

	leaf := a.leaf(t, big.NewInt(77))
	rev, err = s.Revoke(t.Context(), &revocation.Request{Serial: "77", Passive: true}, &revocation.Evidence{Certificate: leaf})
	if err != nil || rev.By != "mtls" || !rev.ExpiresAt.Equal(leaf.NotAfter) {
		t.Errorf("by its certificate: %+v, %v, want its expiry", rev, err)
	}
	leaf = a.leaf(t, big.NewInt(78))
	rev, err = s.Revoke(t.Context(), &revocation.Request{Serial: "78", Passive: true}, &revocation.Evidence{Certificate: leaf, ACME: true})
	if err != nil || rev.By != "acme" {
		t.Errorf("by ACME: %+v, %v", rev, err)
	}
}

func TestRevokeSSH(t *testing.T) {
	t.Parallel()
	s, _ := startOne(t, revocation.CRLSettings{})
	for serial, kind := range map[string]error{"": ca.ErrMalformed, "0x10": ca.ErrMalformed, "010": ca.ErrMalformed, "-1": ca.ErrMalformed, "18446744073709551616": ca.ErrMalformed} {
		if err := s.RevokeSSH(t.Context(), &revocation.Request{Serial: serial, Passive: true}, token(serial)); !errors.Is(err, kind) {
			t.Errorf("RevokeSSH(%q): %v, want %v", serial, err, kind)
		}
	}
	req := &revocation.Request{Serial: "18446744073709551615", Passive: true}
	if err := s.RevokeSSH(t.Context(), req, &revocation.Evidence{}); err == nil || err.Error() != "missing ott" {
		t.Errorf("without token: %v, want missing ott", err)
	}
	if err := s.RevokeSSH(t.Context(), req, token(req.Serial)); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeSSH(t.Context(), req, &revocation.Evidence{Token: &revocation.Token{Subject: req.Serial}}); !errors.Is(err, ca.ErrAlreadyRevoked) {
		t.Errorf("again: %v, want kind already revoked", err)
	}
}

// TestRevokeSSHByItsOwnKey checks that the record has what the certificate says,
// as far as nothing better is known of it.
func TestRevokeSSHByItsOwnKey(t *testing.T) {
	t.Parallel()
	db := store.New(mem.New(), store.Options{})
	s, err := revocation.New(revocation.Config{Store: db})
	if err != nil {
		t.Fatal(err)
	}
	ends, recorded := time.Unix(2_000_000_000, 0).UTC(), time.Unix(1_900_000_000, 0).UTC()
	err = db.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: []*store.SSHCertificate{{Serial: 3, Type: ca.SSHUser, ValidBefore: recorded}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		crt    ssh.Certificate
		ends   time.Time
		issuer string
	}{
		{ssh.Certificate{Serial: 1, CertType: ssh.HostCert, ValidBefore: uint64(ends.Unix())}, ends, "ssh-host"},
		{ssh.Certificate{Serial: 2, CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity}, time.Time{}, "ssh-user"},
		{ssh.Certificate{Serial: 3, CertType: ssh.HostCert, ValidBefore: uint64(ends.Unix())}, recorded, "ssh-user"},
	} {
		serial := strconv.FormatUint(test.crt.Serial, 10)
		evidence := token(serial)
		evidence.SSH = &test.crt
		if err := s.RevokeSSH(t.Context(), &revocation.Request{Serial: serial, Passive: true}, evidence); err != nil {
			t.Fatal(err)
		}
		rev, err := db.SSHRevoked(t.Context(), test.crt.Serial)
		if err != nil || rev == nil || !rev.ExpiresAt.Equal(test.ends) || rev.Issuer != test.issuer {
			t.Errorf("certificate %s: %+v, %v, want the end %v and issuer %s", serial, rev, err, test.ends, test.issuer)
		}
	}
}

func TestRequesterWhoGoesAwayLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	s, _ := startOne(t, crlOn)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Revoke(gone, &revocation.Request{Serial: "5", Passive: true}, token("5")); err != nil {
		t.Fatal(err)
	}
	if _, l := fetch(t, s, ""); len(l.RevokedCertificateEntries) != 1 {
		t.Errorf("%d entries, want that of the revocation that was stored", len(l.RevokedCertificateEntries))
	}
}
