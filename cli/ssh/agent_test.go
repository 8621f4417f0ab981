package ssh

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"stepca/cli"
)

// An observedAgent remembers what it was given, and lists other keys besides.
type observedAgent struct {
	agent.Agent
	added  []agent.AddedKey
	others []*agent.Key
	refuse func(agent.AddedKey) error // nil: nothing
}

func (a *observedAgent) Add(key agent.AddedKey) error {
	if a.refuse != nil {
		if err := a.refuse(key); err != nil {
			return err
		}
	}
	a.added = append(a.added, key)
	return a.Agent.Add(key)
}

func (a *observedAgent) List() ([]*agent.Key, error) {
	keys, err := a.Agent.List()
	return append(keys, a.others...), err
}

// serve gives our client the observed agent at the other end of a connection.
func (a *observedAgent) serve(t *testing.T) *sshAgent {
	t.Helper()
	client := &sshAgent{dial: func() (io.ReadWriteCloser, error) {
		here, there := net.Pipe()
		go func() {
			agent.ServeAgent(a, there)
			there.Close()
		}()
		t.Cleanup(func() { here.Close() })
		return here, nil
	}}
	if err := client.connect(); err != nil {
		t.Fatal(err)
	}
	return client
}

// testEnv is an environment at a time, and what is written to its standard error.
func testEnv(now time.Time) (*cli.Env, *strings.Builder) {
	stderr := new(strings.Builder)
	return &cli.Env{Stderr: stderr, Now: func() time.Time { return now }}, stderr
}

// testKeys are one key of each type that step makes.
func testKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	keys := make(map[string]crypto.Signer)
	var err error
	if keys[ssh.KeyAlgoRSA], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if _, keys[ssh.KeyAlgoED25519], err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	for name, curve := range map[string]elliptic.Curve{
		ssh.KeyAlgoECDSA256: elliptic.P256(), ssh.KeyAlgoECDSA384: elliptic.P384(), ssh.KeyAlgoECDSA521: elliptic.P521(),
	} {
		if keys[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// testCertificate is a user certificate for a key, signed with a key of its own.
func testCertificate(t *testing.T, key ssh.PublicKey, before uint64) *ssh.Certificate {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: key, CertType: ssh.UserCert, KeyId: "alice", ValidPrincipals: []string{"alice"}, ValidBefore: before}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		t.Fatal(err)
	}
	return cert
}

// newKey is an Ed25519 key and its public half.
func newKey(t *testing.T) (crypto.Signer, ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, pub
}

// The agent gets the certificate alone, not the bare key beside it as from
// ssh-add, and for as long as it is valid.
func TestAgentAdd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	const left = 90 * time.Second
	for name, key := range testKeys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pub, err := ssh.NewPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			observed := &observedAgent{Agent: agent.NewKeyring()}
			a := observed.serve(t)
			cert := testCertificate(t, pub, uint64(now.Add(left).Unix()))
			env, _ := testEnv(now)
			if err := a.add(env, key, cert, "work"); err != nil {
				t.Fatal(err)
			}
			if n := len(observed.added); n != 1 || observed.added[0].Certificate == nil || observed.added[0].Comment != "work" {
				t.Fatalf("%d identities were added: %+v", n, observed.added)
			}
			if got := observed.added[0].LifetimeSecs; got != uint32(left/time.Second)-1 {
				t.Errorf("the lifetime is %d s, want what is left, rounded down", got)
			}
			keys, err := a.list()
			if err != nil || len(keys) != 1 || keys[0].Type() != cert.Type() {
				t.Errorf("the agent lists %v, %v", keys, err)
			}
			data := []byte("to be signed")
			sig, err := a.Sign(keys[0].PublicKey, data)
			if err != nil {
				t.Fatal(err)
			}
			if err := pub.Verify(data, sig); err != nil {
				t.Error(err)
			}
		})
	}
}

// A lifetime of 0 would mean forever, and more than 32 bits cannot be said.
func TestAgentLifetime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key, pub := newKey(t)
	for name, tt := range map[string]struct {
		before uint64
		want   uint32
		fails  bool
	}{
		"expired":        {before: uint64(now.Unix()) - 1, fails: true},
		"expires now":    {before: uint64(now.Unix()), fails: true},
		"the last one":   {before: uint64(now.Unix()) + 1, want: 1},
		"200 years":      {before: uint64(now.Unix()) + 200*365*24*3600, want: 1<<32 - 1},
		"forever":        {before: ssh.CertTimeInfinity, want: 0},
		"nearly forever": {before: ssh.CertTimeInfinity - 1, want: 0},
	} {
		observed := &observedAgent{Agent: agent.NewKeyring()}
		env, _ := testEnv(now)
		err := observed.serve(t).add(env, key, testCertificate(t, pub, tt.before), "")
		switch {
		case tt.fails:
			if err == nil || len(observed.added) > 0 {
				t.Errorf("%s: %v, %v were added", name, err, observed.added)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case observed.added[0].LifetimeSecs != tt.want:
			t.Errorf("%s: lifetime %d, want %d", name, observed.added[0].LifetimeSecs, tt.want)
		}
	}
}

// That of Windows knows no lifetimes, and neither do some that stand in for others.
func TestAgentWithoutLifetimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key, pub := newKey(t)
	cert := testCertificate(t, pub, uint64(now.Unix())+60)
	locked := errors.New("locked")
	for name, tt := range map[string]struct {
		refuse func(*sshAgent, agent.AddedKey) error
		added  bool
		notice string
	}{
		"takes them": {func(*sshAgent, agent.AddedKey) error { return nil }, true, ""},
		"refuses them": {func(_ *sshAgent, key agent.AddedKey) error {
			if key.LifetimeSecs > 0 {
				return errors.New("no constraints")
			}
			return nil
		}, true, "stays until 'step ssh logout'"},
		"hangs up": {func(a *sshAgent, key agent.AddedKey) error {
			if key.LifetimeSecs > 0 {
				a.Close()
				return errors.New("never seen before")
			}
			return nil
		}, true, "stays until 'step ssh logout'"},
		"is locked": {func(*sshAgent, agent.AddedKey) error { return locked }, false, ""},
	} {
		observed := &observedAgent{Agent: agent.NewKeyring()}
		a := observed.serve(t)
		observed.refuse = func(key agent.AddedKey) error { return tt.refuse(a, key) }
		env, stderr := testEnv(now)
		err := a.add(env, key, cert, "work")
		if (err == nil) != tt.added || len(observed.added) != map[bool]int{true: 1}[tt.added] {
			t.Errorf("%s: %v, %d keys were added", name, err, len(observed.added))
		}
		if got := stderr.String(); (got == "") != (tt.notice == "") || !strings.Contains(got, tt.notice) {
			t.Errorf("%s: the user reads %q, want %q", name, got, tt.notice)
		}
	}
}

// tokenKeys are public keys of security tokens; no device is behind them.
var tokenKeys = map[string]string{
	ssh.KeyAlgoSKED25519:  "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dczAAAABHNzaDo=",
	ssh.KeyAlgoSKECDSA256: "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfUAAAAEc3NoOg==",
}

// Keys that an agent holds and we cannot make are listed like others, even of
// algorithms that we have never heard of; certificates for them count as such.
func TestAgentListsOthers(t *testing.T) {
	t.Parallel()
	observed := &observedAgent{Agent: agent.NewKeyring()}
	for name, text := range tokenKeys {
		wire, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ssh.ParsePublicKey(wire)
		if err != nil || key.Type() != name {
			t.Fatal(name, err)
		}
		cert := testCertificate(t, key, ssh.CertTimeInfinity)
		observed.others = append(observed.others,
			&agent.Key{Format: name, Blob: wire, Comment: "token"}, &agent.Key{Format: cert.Type(), Blob: cert.Marshal(), Comment: "token"})
	}
	unknown := ssh.Marshal(struct{ Name, Rest string }{"ssh-future", "x"})
	observed.others = append(observed.others, &agent.Key{Format: "ssh-future", Blob: unknown, Comment: "new"})
	a := observed.serve(t)
	keys, err := a.list()
	if err != nil || len(keys) != 5 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	seen := make(map[string]bool)
	for _, key := range keys {
		seen[openSSHFingerprint.line(key.PublicKey, "")[len("256 SHA256:")+43:]] = true
	}
	for _, kind := range []string{"ED25519-SK", "ED25519-SK-CERT", "ECDSA-SK", "ECDSA-SK-CERT", "FUTURE"} {
		if !seen[" no comment ("+kind+")"] {
			t.Errorf("no key of kind %s: %v", kind, seen)
		}
	}
	certs, err := a.certificates(nil, "token")
	if err != nil || len(certs) != 2 {
		t.Errorf("%d certificates, %v, want 2", len(certs), err)
	}
}
