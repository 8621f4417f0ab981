package acmeserver_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/internal/catest"
)

func TestHostileIdentifiers(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	label63 := strings.Repeat("a", 63)
	long := strings.Repeat(label63+".", 3) + strings.Repeat("a", 61) // 253
	for name, want := range map[string]string{
		"a.example": "a.example", "A.EXAMPLE": "a.example", "xn--bcher-kva.example": "xn--bcher-kva.example", "XN--BCHER-KVA.Example": "xn--bcher-kva.example",
		"BÜCHER.example": "xn--bcher-kva.example", "*.a.example": "*.a.example", label63 + ".example": label63 + ".example", long: long,
		"com": "com", "co.uk": "co.uk", "*.co.uk": "*.co.uk", // private names are any name: a policy is the place to refuse some
		"a.123.example": "a.123.example", "0x7f.example": "0x7f.example", "a--b.example": "a--b.example",
		"ip=2001:DB8::0:1": "2001:db8::1", "ip=::ffff:192.0.2.1": "192.0.2.1", "ip=192.0.2.1": "192.0.2.1",
	} {
		_, order := cl.order(name)
		if got := order["identifiers"].([]any)[0].(map[string]any)["value"]; got != want {
			t.Errorf("identifier %q became %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"", ".", "..", "a.example.", ".a.example", "a..example", "-a.example", "a-.example", "a.-example", "a_b.example", "_acme.example",
		label63 + "a.example", long + "a", strings.Repeat("a.", 2000) + "example", "*", "*.", "*.*.example", "a.*.example", "**.example", "*a.example", "a*.example", "*.*",
		"xn--.example", "xn--a.example", "xn--a-ecp.example", "xn--\x80.example", "XN--ZZZZZZZZ99999.example", "a\u200db.example", "\u202eabc.example", "a\u00ad\u3002.example",
		"a b.example", "a\tb.example", "a\nb.example", "a\x00.example", "a.example\x00", "a/b.example", "a:80", "a@b.example", "a,b.example", "a%2eb.example",
		"http://a.example", "[::1]", "::1", "192.0.2.1", "192.0.2", "1", "0x7f000001", "a.0x", "192.0.2.1.", "127.1", "１.２.３.４", "a.example。",
		"ip=a.example", "ip=", "ip=192.0.2.256", "ip=192.0.2.01", "ip=192.0.2.1/32", "ip=192.0.2", "ip=fe80::1%eth0", "ip=[::1]", "ip=1", "ip=::1 ", "ip=*.192.0.2.1", "ip=0x7f.0.0.1", "ip=::ffff:1.2.3.4%x", "ip=" + strings.Repeat("1", 5000),
	} {
		r := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(name)})
		r.problem(400, "malformed")
		if subs, _ := r.json()["subproblems"].([]any); len(subs) != 1 || len(r.body) > 2000 {
			t.Errorf("identifier %.30q: %s, want one subproblem", name, r.body)
		}
	}
	for _, typ := range []string{"", "DNS", "email", "dns ", "IP", "uri", "\x00", strings.Repeat("x", 10000)} {
		list := []map[string]string{{"type": typ, "value": "a.example"}}
		if r := cl.post(cl.base+"new-order", map[string]any{"identifiers": list}).problem(400, "unsupportedIdentifier"); len(r.body) > 2000 {
			t.Errorf("the refusal of type %.20q has %d bytes", typ, len(r.body))
		}
	}
}

func TestManyIdentifiers(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	names := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("n%d.example", i)
		}
		return list
	}
	for _, n := range []int{101, 1000, 2000} {
		start := time.Now()
		cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(names(n)...)}).problem(400, "malformed")
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%d identifiers took %v", n, took)
		}
	}
	_, order := cl.order(names(100)...)
	if got := len(order["authorizations"].([]any)); got != 100 {
		t.Errorf("%d authorizations for 100 names", got)
	}
	_, order = cl.order("A.example", "a.EXAMPLE", "*.a.example", "*.A.example", "ip=::1", "ip=0:0::1", "bücher.example", "xn--bcher-kva.example")
	if got := len(order["authorizations"].([]any)); got != 4 {
		t.Errorf("%d authorizations for 4 names in 8 spellings", got)
	}
}

// TestNameConstraintsAreForeseen has an issuing certificate for few names, and a
// provisioner for fewer.
func TestNameConstraintsAreForeseen(t *testing.T) {
	t.Parallel()
	c := newCAWith(t, new(validator), func(p map[string]any) {
		p["policy"] = map[string]any{"x509": map[string]any{"deny": map[string]any{"dns": []any{"denied.ok.example"}}}}
	}, catest.Options{Intermediate: func(crt *x509.Certificate) {
		crt.PermittedDNSDomains, crt.ExcludedDNSDomains, crt.PermittedDNSDomainsCritical = []string{"ok.example", "localhost"}, []string{"not.ok.example"}, true
	}})
	cl := newClient(t, c).register()
	for _, tt := range []struct {
		names   []string
		refused int
	}{
		{[]string{"a.example"}, 1},
		{[]string{"a.not.ok.example"}, 1},
		{[]string{"notok.example"}, 1},
		{[]string{"denied.ok.example"}, 1},
		{[]string{"*.not.ok.example"}, 1},
		{[]string{"a.ok.example", "b.example", "c.not.ok.example", "denied.ok.example"}, 3},
	} {
		r := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(tt.names...)}).problem(400, "rejectedIdentifier")
		p := new(acme.Problem)
		if err := json.Unmarshal(r.body, p); err != nil {
			t.Fatal(err)
		}
		if len(p.Subproblems) != tt.refused {
			t.Errorf("%v: %s, want %d subproblems", tt.names, r.body, tt.refused)
		}
		for _, sub := range p.Subproblems {
			if sub.Type != acme.ProblemPrefix+"rejectedIdentifier" || sub.Identifier == nil || sub.Detail == "" {
				t.Errorf("%v: subproblem %+v", tt.names, sub)
			}
		}
	}
	crt, _, _ := cl.issue("a.ok.example")
	if len(crt.DNSNames) != 1 {
		t.Errorf("certificate for %v", crt.DNSNames)
	}
}

func TestHostileDates(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) {
		p["claims"] = map[string]any{"maxTLSCertDuration": "87600h"}
	})
	cl := newClient(t, c).register()
	now := time.Now().UTC()
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	year := 365 * 24 * time.Hour
	for _, tt := range []struct{ notBefore, notAfter string }{
		{"", "9999-12-31T23:59:59Z"}, {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}, {"9999-12-31T23:59:59Z", ""},
		{"9999-12-31T23:59:59-23:59", ""}, {"", "9999-12-31T23:59:59-23:59"}, {"0000-01-01T00:00:00+23:59", ""}, {"0000-01-01T00:00:00Z", at(time.Hour)},
		{"", "0001-01-01T00:00:01Z"}, {"", "1970-01-01T00:00:00Z"}, {"", at(-time.Hour)}, {at(-2 * time.Hour), at(-time.Hour)},
		{at(2 * time.Hour), at(time.Hour)}, {at(time.Hour), at(time.Hour)}, {"", at(time.Second)}, {at(20 * year), ""},
		{"", at(2 * year)}, // beyond the CA's own end, and so not as asked for
		{"", "now"}, {"", "24h"}, {"", "2030-13-01T00:00:00Z"}, {"", "2030-02-30T00:00:00Z"}, {"", "2030-01-01"}, {"", "2030-01-01 00:00:00Z"}, {"", "2030-01-01T24:00:00Z"},
		{"", "2030-01-01T00:00:60Z"}, {"", "2030-01-01T00:00:00"}, {"", "99999-01-01T00:00:00Z"}, {"", "-0001-01-01T00:00:00Z"}, {"", strings.Repeat("2", 50000)}, {"x", ""},
	} {
		payload := map[string]any{"identifiers": ids("a.example")}
		for name, date := range map[string]string{"notBefore": tt.notBefore, "notAfter": tt.notAfter} {
			if date != "" {
				payload[name] = date
			}
		}
		cl.post(cl.base+"new-order", payload).problem(400, "malformed")
	}
	order := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example"), "notBefore": at(time.Hour), "notAfter": at(48 * time.Hour)}).want(http.StatusCreated).json()
	cl.prove(order)
	done := cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).want(http.StatusOK).json()
	leaf := parseChain(t, cl.post(done["certificate"].(string), nil).want(http.StatusOK).body)[0]
	if leaf.NotBefore.Format(time.RFC3339) != at(time.Hour) || leaf.NotAfter.Format(time.RFC3339) != at(48*time.Hour) {
		t.Errorf("certificate from %v to %v, asked for from %s to %s", leaf.NotBefore, leaf.NotAfter, at(time.Hour), at(48*time.Hour))
	}
}
