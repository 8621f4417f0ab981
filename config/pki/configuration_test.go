package pki

import "testing"

func TestCAURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ host, port, want string }{
		{"ca.x", "443", "https://ca.x"},
		{"ca.x", "", "https://ca.x"},
		{"ca.x", "9000", "https://ca.x:9000"},
		{"::1", "443", "https://[::1]"},
		{"::1", "9000", "https://[::1]:9000"},
	} {
		if got := caURL(tt.host, tt.port); got != tt.want {
			t.Errorf("caURL(%q, %q) = %q, want %q", tt.host, tt.port, got, tt.want)
		}
	}
}

func TestQuoteYAML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{":9000", ":9000"},
		{"ca.x", "ca.x"},
		{"https://ca.x", "https://ca.x"},
		{"ssh-ed25519 AAAA+/=", "ssh-ed25519 AAAA+/="},
		{"::1", `"::1"`},
		{"10.0", `"10.0"`},
		{"12e45", `"12e45"`},
		{"Yes", `"Yes"`},
		{"a: b", `"a: b"`},
		{"a #b", `"a #b"`},
		{"", `""`},
	} {
		if got := quoteYAML(tt.text); got != tt.want {
			t.Errorf("quoteYAML(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}
