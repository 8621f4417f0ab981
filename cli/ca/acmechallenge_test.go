package ca

import (
	"strings"
	"testing"
)

func TestValidToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]bool{
		"DGyRejmCefe7v4NfDGDKfA":    true,
		"A-_9":                      true,
		strings.Repeat("a", 200):    true,
		strings.Repeat("a", 201):    false,
		"":                          false,
		"..":                        false,
		"../../etc/cron.d/x":        false,
		`..\x`:                      false,
		"a/b":                       false,
		"{token...}":                false,
		"a b":                       false,
		"a=":                        false,
		"con.txt":                   false,
		"ｆｕｌｌ":                      false,
		"a\x00":                     false,
		"<script>alert(1)</script>": false,
	} {
		if got := validToken(token); got != want {
			t.Errorf("validToken(%q) = %v", token, got)
		}
	}
}
