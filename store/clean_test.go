package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/kv/mem"
)

// allBuckets are those that retention has to empty, with their indexes.
var allBuckets = []string{
	bucketCertificates, bucketCertsByTime, bucketCertsByExpiry, bucketCertsByName, bucketCertsByProv, bucketCertsByKey,
	bucketTokens, bucketTokensByExpiry, bucketNonces, bucketNoncesByExpiry, bucketRefusals,
	bucketRevocations, bucketRevokedByTime, bucketRevokedByExpiry,
	bucketSSH, bucketSSHByTime, bucketSSHByExpiry, bucketSSHByPrincipal, bucketSSHByKeyID,
	bucketSSHRevocations, bucketSSHRevokedTime, bucketSSHRevokedEnds, bucketSSHHosts, bucketSSHHostsExpiry,
	bucketOrders, bucketOrdersByAccount, bucketOrdersByExpiry, bucketOrderAliases,
}

// counts returns how many keys each bucket has, empty ones left out.
func counts(t *testing.T, engine kv.Engine) map[string]int {
	t.Helper()
	n := make(map[string]int)
	err := engine.View(t.Context(), func(r kv.Reader) error {
		for _, b := range allBuckets {
			for _, err := range r.Scan(b, kv.Range{}) {
				if err != nil {
					return err
				}
				n[b]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fill writes one record of each kind, all of which end within a day.
func fill(t *testing.T, s *Store, now time.Time) {
	t.Helper()
	end := now.Add(time.Hour)
	keyHash := sha256.Sum256([]byte("key"))
	crt := &Certificate{
		Serial: "1234567890123456789", NotAfter: end, KeyHash: keyHash[:],
		Names: ca.ParseSANs([]string{"a.example", strings.Repeat("long", 200) + ".example"}),
	}
	ssh := &SSHCertificate{Serial: 77, Type: ca.SSHHost, KeyID: "web", Principals: []string{"web"}, ValidBefore: end}
	order := &ACMEOrder{
		ID: strings.Repeat("o", 32), AccountID: "acc", CreatedAt: now, ExpiresAt: end,
		Aliases: []string{"alias"}, Data: json.RawMessage(`{}`),
	}
	id := func(s string) *ca.OneTimeID { return &ca.OneTimeID{ID: s, Expires: end} }
	ctx := t.Context()
	steps := []error{
		s.Record(ctx, &Issuance{Certificate: crt, OneTime: id("1")}),
		s.RecordSSH(ctx, &SSHIssuance{Certificates: []*SSHCertificate{ssh}, OneTime: id("2")}),
		s.SSHRevoke(ctx, &ca.Revocation{Serial: "77"}, id("4")),
		s.InsertOrder(ctx, order, id("5"), nil),
		s.insertRefusals(ctx, []*Refusal{{Time: now, Reason: "because"}}),
	}
	_, err := s.Revoke(ctx, &ca.Revocation{Serial: crt.Serial}, id("3"))
	for _, err := range append(steps, err) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCleanLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	engine := mem.New()
	s := New(engine, Options{
		Now:       func() time.Time { return now },
		Retention: Retention{Certificates: day, SSHCertificates: day, Revocations: day, Orders: day, Refusals: day},
	})
	fill(t, s, now)
	full := counts(t, engine)
	for _, b := range allBuckets {
		if full[b] == 0 {
			t.Errorf("nothing in bucket %s: the test does not see whether it is cleaned", b)
		}
	}
	now = now.Add(day)
	if _, err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	early := counts(t, engine)
	if early[bucketTokens] != 0 || early[bucketNonces] != 0 {
		t.Errorf("after a day %v, want neither tokens nor nonces", early)
	}
	if early[bucketCertificates] != 1 || early[bucketRevocations] != 1 || early[bucketSSH] != 1 || early[bucketOrders] != 1 {
		t.Errorf("after a day %v, want all records still there", early)
	}
	now = now.Add(day)
	if _, err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := counts(t, engine); len(left) != 0 {
		t.Errorf("after two days %v, want nothing", left)
	}
}

func TestCleanKeepsCertificatesByDefault(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	engine := mem.New()
	s := New(engine, Options{Now: func() time.Time { return now }})
	fill(t, s, now)
	now = now.Add(10 * 365 * day)
	if _, err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := counts(t, engine)
	if left[bucketCertificates] != 1 || left[bucketRevocations] != 1 || left[bucketSSH] != 1 || left[bucketSSHRevocations] != 1 {
		t.Errorf("after ten years %v, want the certificates and their revocations", left)
	}
	if left[bucketOrders] != 0 || left[bucketRefusals] != 0 || left[bucketTokens] != 0 {
		t.Errorf("after ten years %v, want no orders, refusals and tokens", left)
	}
}

func TestCleanTakesManySteps(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	engine := mem.New()
	s := New(engine, Options{Now: func() time.Time { return now }})
	const tokens = 2*cleanStep + 7
	for i := range tokens {
		expires := now.Add(time.Duration(i) * time.Second)
		if err := s.SpendToken(t.Context(), &ca.OneTimeID{ID: fmt.Sprint(i), Expires: expires}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SpendToken(t.Context(), &ca.OneTimeID{ID: "forever"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(day)
	n, err := s.Clean(t.Context())
	if n != tokens || err != nil {
		t.Errorf("Clean = %d, %v, want %d", n, err, tokens)
	}
	if left := counts(t, engine); left[bucketTokens] != 1 || left[bucketTokensByExpiry] != 0 {
		t.Errorf("left %v, want the token without an end", left)
	}
}
