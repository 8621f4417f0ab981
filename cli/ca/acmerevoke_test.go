package ca_test

import (
	"strings"
	"testing"
)

func TestACMERevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := newWorld(t)
	const done = "Certificate with Serial Number "
	for name, tt := range map[string]struct {
		flags []string
		ca    string
	}{
		"by the account at the CA":   {[]string{"--ca-url", w.CA.URL}, w.Directory},
		"by the key at the CA":       {[]string{"--ca-url", w.CA.URL, "--key", "KEY", "--reason", "lost"}, w.CA.URL},
		"by the account, as kept":    {[]string{"--reasonCode", "keyCompromise"}, w.Directory},
		"by the key, as kept":        {[]string{"--key", "KEY"}, w.Directory},
		"by the account with --acme": {[]string{"--acme", w.Directory, "--reasonCode", "4"}, w.Directory},
		"by the key with --acme":     {[]string{"--acme", w.Directory, "--key", "KEY", "--ca-url", "https://127.0.0.1:1"}, w.Directory},
	} {
		crt, key := w.get(t, "--acme", w.Directory, "--force")
		args := []string{"ca", "revoke", "--cert", crt}
		for _, flag := range tt.flags {
			if flag == "KEY" {
				flag = key
			}
			args = append(args, flag)
		}
		if r := w.run(t, args...); r.Code != 0 || !strings.Contains(r.Stderr, "✔ CA: "+tt.ca+"\n") || !strings.Contains(r.Stderr, done+w.Leaf(t, crt).SerialNumber.String()+" has been revoked.") {
			t.Errorf("%s: exit code %d, stderr:\n%s", name, r.Code, r.Stderr)
		}
		if r := w.run(t, args...); r.Code != 1 || strings.Contains(r.Stderr, done) {
			t.Errorf("%s, again: exit code %d, stderr:\n%s", name, r.Code, r.Stderr)
		}
	}

	crt, _ := w.get(t, "--acme", w.Directory, "--force")
	_, foreign := stranger.get(t, "--acme", stranger.Directory)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--acme", w.Directory}, "flag '--acme' requires the '--cert' flag"},
		{[]string{"--acme", w.Directory, "--cert", crt, "1"}, "expects no additional positional arguments"},
		{[]string{"--acme", w.Directory, "--cert", crt, "--reason", "lost"}, "use the '--reasonCode' flag instead of '--reason'"},
		{[]string{"--acme", w.Directory, "--cert", crt, "--token", "x"}, "flag '--cert' is incompatible with '--token'"},
		{[]string{"--acme", w.Directory, "--cert", crt, "--offline"}, "flag '--acme' is incompatible with '--offline'"},
		{[]string{"--acme", w.Directory, "--cert", crt, "--key", foreign}, "do not match"},
		{[]string{"--acme", w.Directory, "--cert", crt, "--reasonCode", "7"}, "7 is not a CRLReason"},
		{[]string{"--acme", w.Directory + "x", "--cert", crt}, "Unable to read the directory: " + w.Directory + "x: HTTP 404: 404 page not found\n"},
	} {
		if r := w.run(t, append([]string{"ca", "revoke"}, tt.args...)...); r.Code != 1 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
	// Another user's account may not, if there is one.
	r := stranger.session.Run(t, "ca", "revoke", "--acme", w.Directory, "--root", w.CA.RootFile, "--cert", crt)
	if r.Code != 1 || !strings.Contains(r.Stderr, "there is no account with "+w.Directory+" in ") {
		t.Errorf("without an account: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	r = stranger.session.Run(t, "ca", "certificate", "b.example", w.File("b.crt"), w.File("b.key"), "--acme", w.Directory, "--root", w.CA.RootFile, "--http-listen", w.HTTP)
	must(t, r)
	r = stranger.session.Run(t, "ca", "revoke", "--acme", w.Directory, "--root", w.CA.RootFile, "--cert", crt)
	if r.Code != 1 || !strings.Contains(r.Stderr, "Unable to revoke the certificate: No authorization provided") {
		t.Errorf("by a stranger: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
}
