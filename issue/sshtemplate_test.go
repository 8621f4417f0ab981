package issue_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/issue"
)

// signByTemplate asks for a user certificate by a template.
func signByTemplate(t *testing.T, i *issue.Issuer, key ssh.PublicKey, source string) (*ssh.Certificate, error) {
	t.Helper()
	grant := sshGrantFor(ca.SSHUser, "ann")
	grant.OneTime = nil
	grant.Template.Source = source
	certs, err := i.SSH(t.Context(), signRequest(key), issue.SSHExtras{}, authorizeSSH(grant))
	if err != nil {
		return nil, err
	}
	return certs.Certificate, nil
}

// TestSSHTemplateMembers writes members that are not a template's to choose.
func TestSSHTemplateMembers(t *testing.T) {
	t.Parallel()
	i, _, userCA, hostCA := newSSHIssuer(t, issue.Config{})
	key := sshPublic(t, newKey(t).Public())
	source := fmt.Sprintf(`{"type":"USER","keyId":"k","principals":["ann"],"serial":0,"key":%[1]q,"publicKey":%[1]q,"certType":2,
		"signatureKey":%[2]q,"signature":{"format":"x","blob":"AAAA"},"SignatureKey":null,"reserved":"AAAA"} and more`,
		base64.StdEncoding.EncodeToString(hostCA.Marshal()), base64.StdEncoding.EncodeToString(key.Marshal()))
	crt, err := signByTemplate(t, i, key, source)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(crt.Key.Marshal(), key.Marshal()) || !bytes.Equal(crt.SignatureKey.Marshal(), userCA.Marshal()) || crt.CertType != ssh.UserCert || crt.Serial == 0 {
		t.Errorf("%+v", crt)
	}
	if err := (&ssh.CertChecker{Clock: func() time.Time { return now }}).CheckCert("ann", crt); err != nil {
		t.Error(err)
	}
}

// TestSSHTemplateRefusals are templates whose output no certificate comes of, and
// that take no long time to say so.
func TestSSHTemplateRefusals(t *testing.T) {
	t.Parallel()
	i, _, _, _ := newSSHIssuer(t, issue.Config{})
	key := sshPublic(t, newKey(t).Public())
	user := func(members string) string {
		return `{"type":"user","keyId":"k","principals":["ann"],` + members + `}`
	}
	const internal = "error applying certificate template"
	tests := []struct {
		name, source string
		kind         error // nil is a fault of the template, and so the server's
		text         string
	}{
		{"recursion", `{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, nil, "template"},
		{"loops in loops", `{{ $l := until 60000 }}{{ range $l }}{{ range $l }}{{ range $l }}{{ end }}{{ end }}{{ end }}`, nil, "template"},
		{"endless text", `{{ $s := "aaaaaaaa" }}{{ range until 100 }}{{ $s = cat $s $s }}{{ end }}`, nil, "too large"},
		{"no JSON", `hello`, nil, internal},
		{"nothing", `{{ "" }}`, nil, internal},
		{"a list", `[]`, nil, internal},
		{"a host", `{"type":"host","keyId":"k","principals":["h"]}`, ca.ErrForbidden, "vouches for a user certificate"},
		{"a third type", `{"type":"ca"}`, nil, internal},
		{"serial number beyond 64 bits", user(`"serial":18446744073709551616`), nil, internal},
		{"negative serial number", user(`"serial":-1`), nil, internal},
		{"serial number as text", user(`"serial":"7"`), nil, internal},
		{"for ever", user(`"validBefore":"9999-12-31T23:59:59Z"`), ca.ErrForbidden, "greater than maximum accepted duration"},
		{"before 1970", user(`"validAfter":"1969-12-31T23:59:59Z"`), nil, internal},
		{"reversed", user(`"validAfter":"2026-11-21T14:00:00Z","validBefore":"2026-11-21T13:00:00Z"`), ca.ErrMalformed, "validBefore cannot be before validAfter"},
		{"over", user(`"validAfter":"2026-11-01T00:00:00Z"`), ca.ErrMalformed, "validBefore cannot be in the past"},
		{"validity that is no time", user(`"validBefore":"tomorrow"`), nil, internal},
		{"validity as seconds", user(`"validBefore":1234567890`), nil, internal},
		{"control characters in an option", user(`"extensions":{"a\nb":""}`), ca.ErrForbidden, "control characters"},
		{"long value of an extension", user(`"extensions":{"a@b":"` + strings.Repeat("x", 9000) + `"}`), ca.ErrForbidden, "longer than 8192 bytes"},
		{"long value of a critical option", user(`"criticalOptions":{"force-command":"` + strings.Repeat("x", 9000) + `"}`), ca.ErrForbidden, "longer than 8192 bytes"},
		{"value of an extension without one", user(`"extensions":{"permit-pty":"yes"}`), ca.ErrForbidden, `ssh extension "permit-pty" takes no value, and OpenSSH would refuse the certificate`},
		{"network with bits behind its mask", user(`"criticalOptions":{"source-address":"10.0.0.0/8,192.0.2.1/24"}`), ca.ErrForbidden, `"192.0.2.1/24" is neither an address nor a network`},
		{"address with a zone", user(`"criticalOptions":{"source-address":"fe80::1%eth0"}`), ca.ErrForbidden, "is neither an address nor a network"},
		{"empty source address", user(`"criticalOptions":{"source-address":""}`), ca.ErrForbidden, "is neither an address nor a network"},
		{"command with a zero octet", user(`"criticalOptions":{"force-command":"ls\u0000rm"}`), ca.ErrForbidden, "has a zero octet"},
		{"many extensions", user(`"extensions":{ {{ range $i := until 5000 }}"ext{{ $i }}@example.com":"aaaaaaaaaaaaaaaaaaaa",{{ end }}"x":""}`), ca.ErrForbidden, "longer than 65536 bytes"},
		{"long principals", `{"type":"user","keyId":"k","principals":[{{ range $i := until 200 }}"{{ repeat 900 "a" }}",{{ end }}"a"]}`, ca.ErrForbidden, "longer than 65536 bytes"},
		{"long reserved field", user(`"reserved":"` + strings.Repeat("AAAA", 30_000) + `"`), ca.ErrForbidden, "longer than 65536 bytes"},
		{"no principals", `{"type":"user","keyId":"k"}`, ca.ErrForbidden, "ssh certificate has no principals, and would be valid for all"},
		{"principals of a claim that is missing", `{"type":"user","keyId":"k","principals":{{ toJson .Token.groups }}}`, ca.ErrForbidden, "ssh certificate has no principals, and would be valid for all"},
		{"an empty list of principals", `{"type":"user","keyId":"k","principals":[]}`, ca.ErrForbidden, "ssh certificate has no principals, and would be valid for all"},
		{"null principal", `{"type":"user","keyId":"k","principals":[null]}`, ca.ErrMalformed, "principals cannot contain empty values"},
	}
	for _, test := range tests {
		start := time.Now()
		crt, err := signByTemplate(t, i, key, test.source)
		if err == nil {
			t.Errorf("%s: issued number %d", test.name, crt.Serial)
			continue
		}
		shown, _ := errors.AsType[*ca.Error](err)
		if test.kind != nil && !errors.Is(err, test.kind) || test.kind == nil && shown != nil && shown.Kind != nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %v: %s", test.name, err, test.kind, test.text)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s took %v", test.name, d)
		}
	}
}
