package acme_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"crypto/x509"

	"stepca/acme"
	"stepca/ca"
)

func TestParseIdentifier(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ typ, value, want string }{
		{"dns", "Example.COM", "example.com"},
		{"dns", "*.Example.com", "*.example.com"},
		{"dns", "bücher.example", "xn--bcher-kva.example"},
		{"dns", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"dns", "localhost", "localhost"},
		{"ip", "192.0.2.1", "192.0.2.1"},
		{"ip", "2001:DB8:0::1", "2001:db8::1"},
		{"ip", "::ffff:192.0.2.1", "192.0.2.1"},
		{"permanent-identifier", "SN 1", "SN 1"},
	} {
		got, err := acme.ParseIdentifier(tt.typ, tt.value)
		if err != nil || got.Value != tt.want || string(got.Type) != tt.typ {
			t.Errorf("ParseIdentifier(%q, %q) = %v, %v, want %q", tt.typ, tt.value, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		typ, value string
		want       acme.ProblemType
	}{
		{"dns", "", acme.ProblemMalformed},
		{"dns", "*.", acme.ProblemMalformed},
		{"dns", "*.*.example", acme.ProblemMalformed},
		{"dns", "a.example.", acme.ProblemMalformed},
		{"dns", "192.0.2.1", acme.ProblemMalformed},
		{"dns", "１.２.３.４", acme.ProblemMalformed}, // full-width digits
		{"dns", "0\x830", acme.ProblemMalformed},
		{"dns", "a。", acme.ProblemMalformed},
		{"dns", "a..example", acme.ProblemMalformed},
		{"dns", "a b.example", acme.ProblemMalformed},
		{"dns", "xn--a.example", acme.ProblemMalformed},
		{"dns", strings.Repeat("a", 64) + ".example", acme.ProblemMalformed},
		{"dns", strings.Repeat("a.", 130) + "example", acme.ProblemMalformed},
		{"ip", "192.0.2.0/24", acme.ProblemMalformed},
		{"ip", "fe80::1%eth0", acme.ProblemMalformed},
		{"ip", "example.com", acme.ProblemMalformed},
		{"permanent-identifier", "", acme.ProblemMalformed},
		{"permanent-identifier", "a\nb", acme.ProblemMalformed},
		{"permanent-identifier", strings.Repeat("x", 256), acme.ProblemMalformed},
		{"DNS", "example.com", acme.ProblemUnsupportedIdentifier},
		{"email", "a@example.com", acme.ProblemUnsupportedIdentifier},
	} {
		got, err := acme.ParseIdentifier(tt.typ, tt.value)
		if p, ok := errors.AsType[*acme.Problem](err); !ok || !p.HasType(tt.want) {
			t.Errorf("ParseIdentifier(%q, %q) = %v, %v, want problem %s", tt.typ, tt.value, got, err, tt.want)
		}
	}
}

func FuzzParseIdentifier(f *testing.F) {
	for _, s := range []string{"example.com", "*.example.com", "bücher.example", "xn--bcher-kva.example", "::1", "::ffff:1.2.3.4", "SN-1", "*", "a.", "１.2.3.4"} {
		for _, typ := range []string{"dns", "ip", "permanent-identifier", "x"} {
			f.Add(typ, s)
		}
	}
	f.Fuzz(func(t *testing.T, typ, value string) {
		id, err := acme.ParseIdentifier(typ, value)
		if err != nil {
			return
		}
		if err := id.Validate(); err != nil {
			t.Errorf("ParseIdentifier(%q, %q) = %v, which is invalid: %v", typ, value, id, err)
		}
		again, err := acme.ParseIdentifier(typ, id.Value)
		if err != nil || again != id {
			t.Errorf("%v parsed again is %v, %v", id, again, err)
		}
	})
}

// TestCertIDVector is the example of RFC 9773 §4.1.
func TestCertIDVector(t *testing.T) {
	t.Parallel()
	aki, err := hex.DecodeString("69885B6B87464041E1B37B847BA0AE2CDE01C8D4")
	if err != nil {
		t.Fatal(err)
	}
	const want = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
	crt := &x509.Certificate{AuthorityKeyId: aki, SerialNumber: big.NewInt(0x87654321)}
	if got := acme.CertID(crt); got != want {
		t.Errorf("CertID = %s, want %s", got, want)
	}
	gotAKI, serial, err := acme.ParseCertID(want)
	if err != nil || hex.EncodeToString(gotAKI) != hex.EncodeToString(aki) || serial.Cmp(crt.SerialNumber) != 0 {
		t.Errorf("ParseCertID = %x, %v, %v", gotAKI, serial, err)
	}
	for _, s := range []string{"", ".", "a.b.c", want + "=", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.h2VDIQ", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AABlQyE", ".AIdlQyE",
		"aYhba4dGQEHhs3uEe6CuLN4ByNQ.gA", "aYhba4dGQEHhs3uEe6CuLN4ByNQ." + base64.RawURLEncoding.EncodeToString(make([]byte, 30))} {
		if _, _, err := acme.ParseCertID(s); err == nil {
			t.Errorf("ParseCertID(%q) succeeded", s)
		}
	}
}

func FuzzParseCertID(f *testing.F) {
	f.Add("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")
	f.Add("AA.AQ")
	f.Fuzz(func(t *testing.T, s string) {
		aki, serial, err := acme.ParseCertID(s)
		if err != nil {
			return
		}
		if got := acme.CertID(&x509.Certificate{AuthorityKeyId: aki, SerialNumber: serial}); got != s {
			t.Errorf("ParseCertID(%q) written again is %q", s, got)
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for lifetime, middle := range map[time.Duration]time.Duration{
		24 * time.Hour: 12 * time.Hour, 90 * 24 * time.Hour: 60 * 24 * time.Hour, time.Minute: 30 * time.Second,
	} {
		w := acme.SuggestedWindow(&x509.Certificate{NotBefore: start, NotAfter: start.Add(lifetime)})
		if !w.End.After(w.Start) || w.Start.After(start.Add(middle)) || w.End.Before(start.Add(middle)) {
			t.Errorf("window of %v: %v to %v, want it around %v", lifetime, w.Start, w.End, start.Add(middle))
		}
	}
}

// order returns an order with authorizations of those statuses.
func order(now time.Time, statuses ...acme.Status) *acme.Order {
	o := &acme.Order{Status: acme.StatusPending, Expires: now.Add(time.Hour)}
	for _, s := range statuses {
		o.Authorizations = append(o.Authorizations, &acme.Authorization{
			Identifier: acme.Identifier{Type: ca.DNS, Value: "a.example"}, Status: s, Expires: o.Expires,
			Challenges: []*acme.Challenge{{ID: "c", Status: acme.StatusPending}, {ID: "d", Status: acme.StatusPending}},
		})
	}
	return o
}

func TestOrderAdvances(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const p, v, i, d = acme.StatusPending, acme.StatusValid, acme.StatusInvalid, acme.StatusDeactivated
	for _, tt := range []struct {
		authzs []acme.Status
		after  time.Duration
		want   acme.Status
	}{
		{[]acme.Status{p, p}, 0, acme.StatusPending},
		{[]acme.Status{p, v}, 0, acme.StatusPending},
		{[]acme.Status{v, v}, 0, acme.StatusReady},
		{[]acme.Status{v, i}, 0, acme.StatusInvalid},
		{[]acme.Status{p, d}, 0, acme.StatusInvalid},
		{[]acme.Status{v, v}, 2 * time.Hour, acme.StatusInvalid},
		{[]acme.Status{p}, time.Hour, acme.StatusInvalid},
	} {
		o := order(now, tt.authzs...)
		o.Advance(now.Add(tt.after))
		if o.Status != tt.want || (o.Error != nil) != (tt.want == acme.StatusInvalid) {
			t.Errorf("order with %v after %v is %s (%v), want %s", tt.authzs, tt.after, o.Status, o.Error, tt.want)
		}
	}
	o := order(now, v)
	if err := o.Complete("", "id", "1", now); err != nil || o.Status != acme.StatusValid {
		t.Errorf("Complete: %v, %s", err, o.Status)
	}
	if o.Advance(now.Add(24 * time.Hour)); o.Status != acme.StatusValid {
		t.Errorf("a valid order became %s", o.Status)
	}
	if err := o.Begin("c", now.Add(time.Minute), now); err == nil {
		t.Error("a valid order can be claimed")
	}
	if err := o.Complete("", "id2", "2", now); err == nil || o.Serial != "1" {
		t.Errorf("completing a valid order: %v, serial %s", err, o.Serial)
	}
}

func TestAuthorizationChangesOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := order(now, acme.StatusPending).Authorizations[0]
	c, other := a.Challenges[0], a.Challenges[1]
	failure := acme.NewProblem(acme.ProblemConnection, "refused")
	if !a.Postpone(c, failure, now.Add(time.Second), now) || c.Status != acme.StatusProcessing || a.Status != acme.StatusPending {
		t.Errorf("postponed: challenge %s, authorization %s", c.Status, a.Status)
	}
	if !a.Succeed(c, nil, now) || a.Status != acme.StatusValid || c.Status != acme.StatusValid || c.Error != nil || c.Validated.IsZero() {
		t.Errorf("succeeded: %+v, %s", c, a.Status)
	}
	if a.Fail(other, failure, now) || a.Fail(c, failure, now) || a.Status != acme.StatusValid {
		t.Errorf("a valid authorization failed afterwards")
	}
	if got := a.StatusAt(now.Add(2 * time.Hour)); got != acme.StatusExpired {
		t.Errorf("a valid authorization after its end is %s", got)
	}
	if err := a.Deactivate(now.Add(2 * time.Hour)); err == nil {
		t.Error("an expired authorization was deactivated")
	}
	late := order(now, acme.StatusPending).Authorizations[0]
	if late.Succeed(late.Challenges[0], nil, now.Add(time.Hour)) {
		t.Error("an expired authorization became valid")
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	cause := errors.New("secret path")
	p := acme.NewProblem(acme.ProblemBadCSR, "its signature: %w", cause)
	if p.Detail != "The CSR is unacceptable: its signature: secret path" || p.Status != 400 || !errors.Is(p, cause) {
		t.Errorf("problem = %+v", p)
	}
	if p := acme.NewProblem(acme.ProblemServerInternal, ""); p.Detail != "The server experienced an internal error" || p.Status != 500 {
		t.Errorf("problem = %+v", p)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	id := acme.NewID()
	part := acme.NewPartID(id)
	if len(id) != 32 || len(part) != 32 || id[:20] != part[:20] || id == part || strings.Trim(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		t.Errorf("NewID = %q, NewPartID = %q", id, part)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		s    string
		most int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc…"},
		{"aäb", 2, "a…"},
		{"a€b", 3, "a…"},
		{"a\x80\x80\x80\x80\x80\x80b", 6, "a\x80…"},
	} {
		if got := acme.Clip(test.s, test.most); got != test.want {
			t.Errorf("Clip(%q, %d) = %q, want %q", test.s, test.most, got, test.want)
		}
	}
}
