package issue_test

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stepca/ca"
	"stepca/issue"
	"stepca/kms"
	"stepca/kv/mem"
	"stepca/store"
)

// events collects what an observer hears.
type events struct {
	mu   sync.Mutex
	list []issue.Event
}

func (e *events) Issued(ev issue.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

// TestSSHOutcomes checks what is said and recorded of requests, refused ones
// among them.
func TestSSHOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		heard := new(events)
		db := store.New(mem.New(), store.Options{})
		a := newAuthority(t, nil)
		i, err := issue.New(issue.Config{
			Authorities: []*issue.Authority{a}, Store: db, Observer: heard,
			SSH: &issue.SSHAuthority{UserKey: kms.Local(newKey(t)), HostKey: kms.Local(newKey(t))},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- db.Run(ctx) }()

		key := sshPublic(t, newKey(t).Public())
		refuse := func(context.Context, *ca.SSHRequest) (*ca.Grant, error) {
			return nil, ca.Hidden(ca.ErrUnauthorized, "no such token")
		}
		tests := []struct {
			authorize issue.AuthorizeSSH
			kind      string
			reason    string // "" for none
		}{
			{authorizeSSH(sshGrantFor(ca.SSHUser, "ann")), "user", ""},
			{authorizeSSH(sshGrantFor(ca.SSHHost, "h1")), "host", ""},
			{authorizeSSH(sshGrantFor(ca.SSHHost, "a,b")), "host", "forbidden"},
			{refuse, "", "unauthorized"},
		}
		for n, test := range tests {
			_, err := i.SSH(t.Context(), signRequest(key), issue.SSHExtras{}, test.authorize)
			ev := heard.list[n]
			if ev.Operation != ca.SignSSH || ev.Kind != test.kind || (ev.Err == nil) != (err == nil) || (err == nil) != (test.reason == "") {
				t.Errorf("event %d: %+v, %v", n, ev, err)
			}
			if err != nil && issue.Reason(err) != test.reason {
				t.Errorf("event %d: reason %s, want %s", n, issue.Reason(err), test.reason)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		refusals, _, err := db.Refusals(t.Context(), store.Page{})
		if err != nil || len(refusals) != 2 {
			t.Fatalf("%d refusals, %v", len(refusals), err)
		}
		steps := map[string]bool{}
		for _, r := range refusals {
			if r.Operation != ca.SignSSH || r.RequestID != "r1" || r.Reason == "" {
				t.Errorf("%+v", r)
			}
			steps[r.Step] = true
		}
		if !steps["authorize"] || !steps["check"] {
			t.Errorf("steps are %v", steps)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// An outsideKey claims to be in an HSM, and fails on demand.
type outsideKey struct {
	kms.Signer
	fail error
}

func (k *outsideKey) External() bool { return true }

func (k *outsideKey) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.fail != nil {
		return nil, k.fail
	}
	return k.Signer.SignContext(ctx, digest, opts)
}

// TestSSHIntents checks that a key outside this process signs nothing that is not
// on record before.
func TestSSHIntents(t *testing.T) {
	t.Parallel()
	user := &outsideKey{Signer: kms.Local(newKey(t))}
	i, db, _, _ := newSSHIssuer(t, issue.Config{SSH: &issue.SSHAuthority{UserKey: user, AddUserPrincipal: "p", AddUserCommand: "c"}})
	sign := func(name string) error {
		extras := issue.SSHExtras{AddUserKey: sshPublic(t, newKey(t).Public())}
		_, err := i.SSH(t.Context(), signRequest(sshPublic(t, newKey(t).Public())), extras, authorizeSSH(sshGrantFor(ca.SSHUser, name)))
		return err
	}
	intents := func() int {
		list, _, err := db.Intents(t.Context(), store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if err := sign("ann"); err != nil || intents() != 0 {
		t.Fatalf("%v, %d intents left", err, intents())
	}
	if err := sign("ann"); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("the token again: %v", err)
	}
	user.fail = errors.New("the HSM is gone")
	if err := sign("bob"); !errors.Is(err, user.fail) || intents() != 2 {
		t.Errorf("%v, %d intents left, want one for each signature", err, intents())
	}
	user.fail = nil
	if err := sign("bob"); !errors.Is(err, store.ErrTokenUsed) {
		t.Errorf("a token whose signature may exist: %v", err)
	}
}

// TestSSHRace checks that of requests with one token, one gets a certificate.
func TestSSHRace(t *testing.T) {
	t.Parallel()
	i, db, _, _ := newSSHIssuer(t, issue.Config{})
	key := sshPublic(t, newKey(t).Public())
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := i.SSH(t.Context(), signRequest(key), issue.SSHExtras{}, authorizeSSH(sshGrantFor(ca.SSHUser, "ann")))
			results <- err
		}()
	}
	issued := 0
	for range 8 {
		if err := <-results; err == nil {
			issued++
		} else if !errors.Is(err, store.ErrTokenUsed) {
			t.Error(err)
		}
	}
	page, _, err := db.SSHCertificates(t.Context(), store.SSHQuery{})
	if err != nil || issued != 1 || len(page) != 1 {
		t.Errorf("%d certificates issued, %d on record, %v", issued, len(page), err)
	}
}
