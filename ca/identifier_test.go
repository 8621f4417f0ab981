package ca_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
)

func TestParseSANs(t *testing.T) {
	t.Parallel()
	got := ca.ParseSANs([]string{"", "joe@example.com", "a.example.com", "spiffe://td/x", "10.0.0.1", "foo:8080", "::1", "1.2.3.4:80"})
	want := []ca.Identifier{
		{Type: ca.DNS, Value: "a.example.com"}, {Type: ca.DNS, Value: "1.2.3.4:80"},
		{Type: ca.IP, Value: "10.0.0.1"}, {Type: ca.IP, Value: "::1"},
		{Type: ca.Email, Value: "joe@example.com"},
		{Type: ca.URI, Value: "spiffe://td/x"}, {Type: ca.URI, Value: "foo:8080"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseSANs (-want +got):\n%s", diff)
	}
}

func TestIdentifierValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	tests := []struct {
		id ca.Identifier
		ok bool
	}{
		{ca.Identifier{Type: ca.DNS, Value: "a.example.com"}, true},
		{ca.Identifier{Type: ca.DNS, Value: "localhost"}, true},
		{ca.Identifier{Type: ca.DNS, Value: "*.example.com"}, true},
		{ca.Identifier{Type: ca.DNS, Value: "_acme.under_score.x"}, true},
		{ca.Identifier{Type: ca.DNS, Value: "xn--mnchen-3ya.de"}, true},
		{ca.Identifier{Type: ca.DNS, Value: "*"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "a.*.example.com"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "a..b"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "x."}, false},
		{ca.Identifier{Type: ca.DNS, Value: "-a.b"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "a b"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "münchen.de"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "1.2.3.4:80"}, false},
		{ca.Identifier{Type: ca.DNS, Value: long + ".x"}, false},
		{ca.Identifier{Type: ca.DNS, Value: strings.Repeat("a.", 127) + "b"}, false},
		{ca.Identifier{Type: ca.DNS, Value: "a\x00.example.com"}, false},
		{ca.Identifier{Type: ca.IP, Value: "10.0.0.1"}, true},
		{ca.Identifier{Type: ca.IP, Value: "2001:db8::1"}, true},
		{ca.Identifier{Type: ca.IP, Value: "10.0.0.0/8"}, false},
		{ca.Identifier{Type: ca.Email, Value: "joe@example.com"}, true},
		{ca.Identifier{Type: ca.Email, Value: "a@*"}, false},
		{ca.Identifier{Type: ca.Email, Value: "a@"}, false},
		{ca.Identifier{Type: ca.Email, Value: "@b.c"}, false},
		{ca.Identifier{Type: ca.Email, Value: "a@b@c"}, false},
		{ca.Identifier{Type: ca.URI, Value: "spiffe://td/x"}, true},
		{ca.Identifier{Type: ca.URI, Value: "urn:uuid:1"}, true},
		{ca.Identifier{Type: ca.URI, Value: "/relative"}, false},
		{ca.Identifier{Type: ca.URI, Value: "https://ü/x"}, false},
		{ca.Identifier{Type: ca.PermanentIdentifier, Value: ""}, false},
	}
	for _, tt := range tests {
		if err := tt.id.Validate(); (err == nil) != tt.ok {
			t.Errorf("%v.Validate() = %v, want ok: %v", tt.id, err, tt.ok)
		}
	}
}

// FuzzIdentifier: what is valid as a DNS name has nothing in it that could be
// read in two ways.
func FuzzIdentifier(f *testing.F) {
	for _, s := range []string{"a.example.com", "*.x", "joe@example.com", "https://h/p", "10.0.0.1", "a\x00b", "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, id := range ca.ParseSANs([]string{s}) {
			if id.Value != s {
				t.Fatalf("ParseSANs(%q) changed it to %q", s, id.Value)
			}
			if id.Type == ca.DNS && id.Validate() == nil && strings.ContainsAny(s, "\x00 /:@%,") {
				t.Fatalf("%q is valid as a DNS name", s)
			}
		}
	})
}
