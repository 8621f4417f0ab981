package ca_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stepca/keyfile"
)

// accountFile is the file of the only account in a step path.
func accountFile(t *testing.T, steppath string) (name string, stored map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(steppath, "acme", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("accounts: %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	return files[0], stored
}

func TestACMEAccounts(t *testing.T) {
	t.Parallel()
	p, session := newPebble(t, false)
	get := func(flags ...string) {
		t.Helper()
		must(t, session.Run(t, append([]string{"ca", "certificate", "a.example", p.File("a.crt"), p.File("a.key"), "--force",
			"--acme", p.Directory, "--root", p.RootFile, "--http-listen", p.HTTP}, flags...)...))
	}
	get("--contact", "old@example.com")
	file, before := accountFile(t, p.File("step"))

	r := must(t, session.Run(t, "ca", "acme", "account", "list"))
	if want := p.Directory + " " + before["location"] + "\n"; r.Stdout != want {
		t.Errorf("list: %q, want %q", r.Stdout, want)
	}
	change := func(verb string, flags ...string) string {
		t.Helper()
		return must(t, session.Run(t, append([]string{"ca", "acme", "account", verb, p.Directory, "--root", p.RootFile}, flags...)...)).Stderr
	}
	if got, want := change("update", "--contact", "new@example.com"), "The account "+before["location"]+" has been updated.\n"; got != want {
		t.Errorf("update: %q, want %q", got, want)
	}
	change("rekey")
	_, after := accountFile(t, p.File("step"))
	if after["location"] != before["location"] || after["key"] == before["key"] || after["nextKey"] != "" {
		t.Errorf("rekey: the account was %v, is %v", before, after)
	}
	get()
	if _, now := accountFile(t, p.File("step")); now["key"] != after["key"] {
		t.Error("the account with the new key was not used again")
	}

	// The change of keys may have been interrupted before the server knew, or after.
	other, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyfile.EncodePrivateKey(other, keyfile.PKCS8, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][2]string{{after["key"], string(text)}, {string(text), after["key"]}} {
		after["key"], after["nextKey"] = keys[0], keys[1]
		data, err := json.Marshal(after)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		change("update", "--contact", "new@example.com")
		_, now := accountFile(t, p.File("step"))
		if now["location"] != before["location"] || now["nextKey"] != "" {
			t.Errorf("after an interrupted change the account is %v", now)
		}
		after["key"] = now["key"]
	}

	change("deactivate")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the key of the account is still there: %v", err)
	}
	get()
	if _, now := accountFile(t, p.File("step")); now["location"] == before["location"] {
		t.Error("the account was used after its end")
	}
}

func TestACMEAccountsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"rekey", w.Directory}, "there is no account with " + w.Directory + " in "},
		{[]string{"update", w.Directory}, "requires the '--contact' flag"},
		{[]string{"deactivate", "acme"}, "it must be the https URL of an ACME directory"},
	} {
		args := append([]string{"ca", "acme", "account"}, tt.args...)
		if r := w.run(t, args...); r.Code != 1 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
}

// What a user's account was is said where the server has forgotten it or ended it.
func TestACMEAccountLost(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.get(t, "--acme", w.Directory)
	other.get(t, "--acme", other.Directory)
	file, stored := accountFile(t, w.File("step"))
	_, foreign := accountFile(t, other.File("step"))
	lost := map[string]string{"directory": w.Directory, "location": stored["location"], "key": foreign["key"]}
	data, err := json.Marshal(lost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	crt := w.File("b.crt")
	r := must(t, w.run(t, "ca", "certificate", "b.example", crt, w.File("b.key"), "--acme", w.Directory, "--http-listen", w.HTTP))
	if !strings.Contains(r.Stderr, w.Directory+" does not know the account in "+file+" any more.\n") {
		t.Errorf("stderr:\n%s", r.Stderr)
	}
	if _, now := accountFile(t, w.File("step")); now["key"] == foreign["key"] {
		t.Error("no new account was made")
	}
}

// Commands that run at the same time make one account together: with two, the key of
// one would be lost, and its certificates could not be revoked without theirs.
func TestACMEAccountMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.Webroot(t)
	names := []string{"a.example", "b.example", "c.example", "d.example"}
	var all sync.WaitGroup
	for _, name := range names {
		all.Go(func() {
			r := w.run(t, "ca", "certificate", name, w.File(name+".crt"), w.File(name+".key"), "--acme", w.Directory, "--webroot", root)
			if r.Code != 0 {
				t.Errorf("%s: exit code %d; stderr:\n%s", name, r.Code, r.Stderr)
			}
		})
	}
	all.Wait()
	for _, name := range names {
		must(t, w.run(t, "ca", "revoke", "--cert", w.File(name+".crt"), "--acme", w.Directory))
	}
}

// A command that was interrupted before it knew of its account has left the key.
func TestACMEAccountInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(t, "--acme", w.Directory)
	file, stored := accountFile(t, w.File("step"))
	location := stored["location"]
	stored["location"] = ""
	data, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := must(t, w.session.Run(t, "ca", "acme", "account", "list")); r.Stdout != "" {
		t.Errorf("list: %q", r.Stdout)
	}
	must(t, w.run(t, "ca", "certificate", "b.example", w.File("b.crt"), w.File("b.key"), "--acme", w.Directory, "--http-listen", w.HTTP))
	if _, now := accountFile(t, w.File("step")); now["location"] != location || now["key"] != stored["key"] {
		t.Errorf("the account is %v, was %s", now, location)
	}
}
