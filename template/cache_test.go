package template

import (
	"strings"
	"testing"

	"stepca/ca"
)

func TestCache(t *testing.T) {
	t.Parallel()
	var c Cache
	name := ca.Template{Default: ca.TemplateLeaf, Source: `{"subject": "x"}`}
	first, err := c.X509(name)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.X509(name); err != nil || again != first {
		t.Errorf("the second look-up gives another template, %v", err)
	}
	if leaf, err := c.X509(ca.Template{Default: ca.TemplateLeaf}); err != nil || leaf.compiled == nil {
		t.Errorf("the default is not compiled, %v", err)
	}
	for _, name := range []ca.Template{{Default: "nosuch"}, {Source: "{{"}} {
		if _, err := c.X509(name); err == nil {
			t.Errorf("X509(%v) gives no error", name)
		}
		if _, err := c.SSH(name); err == nil {
			t.Errorf("SSH(%v) gives no error", name)
		}
	}
}

// TestParseFaults: what is found before the first request.
func TestParseFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{{ nosuch }}": `function "nosuch" not defined`,
		strings.Repeat("{{if 1}}", 200) + strings.Repeat("{{end}}", 200): "nested more than",
	} {
		_, x509Err := ParseX509(text)
		_, sshErr := ParseSSH(text)
		for kind, err := range map[string]error{"X509": x509Err, "SSH": sshErr} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Parse%s(%.20q) = %v, want %q", kind, text, err, want)
			}
		}
	}
}
