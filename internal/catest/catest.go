// Package catest runs a CA on loopback for tests, in one call. It is the real
// server with a real configuration file; only the keys are not encrypted, and
// the database lives in memory unless a test asks for another.
package catest

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"stepca/ca"
	"stepca/config"
	"stepca/jose"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
)

// Options shape the CA. The zero value is a plain CA with one JWK provisioner,
// "admin", and a database in memory.
type Options struct {
	// Edit changes the configuration before it is written. The maps and lists in
	// it are those of JSON.
	Edit func(cfg map[string]any)

	// SSH adds an SSH CA: its keys ssh_host_ca_key and ssh_user_ca_key, the claim
	// enableSSHCA of "admin", and a provisioner "sshpop".
	SSH bool

	// Intermediate changes the template of the issuing certificate.
	Intermediate func(*x509.Certificate)

	Engines map[string]server.EngineOpener // beyond memory

	// Keys opens the keys of the CA, which are files; nil means soft.Open.
	Keys func(context.Context, kms.Config) (kms.Engine, error)

	Getenv func(string) string // nil knows no variable
	Log    *slog.Logger        // nil writes to the test's log
	Stderr io.Writer           // gets banner and access log; nil writes to the test's log

	ACME server.ACMEOptions // how ACME challenges are validated
}

// A CA is a running one.
type CA struct {
	URL         string // https://127.0.0.1:port
	Dir         string // holds ca.json and all its files
	ConfigFile  string
	RootFile    string
	Root        *x509.Certificate
	Fingerprint string    // of Root, SHA-256 in hex
	Key         *jose.JWK // private key of the provisioner "admin"
	Password    string    // of its encrypted form
	Server      *server.Server

	provisioner string // name; "" is "admin"
	t           testing.TB
	stop        func() error
}

// Password of the provisioner "admin".
const Password = "correct horse battery staple"

// New runs a CA until the test ends.
func New(t testing.TB, opts Options) *CA {
	t.Helper()
	c := Prepare(t, opts)
	c.start(opts)
	return c
}

// Prepare writes the files of a CA and starts nothing: the test does, and sets URL.
func Prepare(t testing.TB, opts Options) *CA {
	t.Helper()
	c := &CA{Dir: t.TempDir(), Password: Password, t: t}
	c.ConfigFile = filepath.Join(c.Dir, "ca.json")
	c.RootFile = filepath.Join(c.Dir, "root_ca.crt")
	c.writePKI(opts)
	c.writeConfig(opts)
	return c
}

// Client returns a CA that runs elsewhere, for its methods that need no files: the
// key is that of the named JWK provisioner.
func Client(t testing.TB, url string, root *x509.Certificate, provisioner string, key *jose.JWK) *CA {
	return &CA{URL: url, Root: root, Fingerprint: ca.Fingerprint(root), Key: key, provisioner: provisioner, t: t}
}

func (c *CA) write(name string, data []byte) string {
	c.t.Helper()
	file := filepath.Join(c.Dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

func (c *CA) start(opts Options) {
	c.t.Helper()
	if opts.Getenv == nil {
		opts.Getenv = func(string) string { return "" }
	}
	if opts.Keys == nil {
		opts.Keys = soft.Open
	}
	if opts.Stderr == nil {
		opts.Stderr = c.t.Output()
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.NewTextHandler(c.t.Output(), nil))
	}
	engines := map[string]server.EngineOpener{
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
	}
	for name, open := range opts.Engines {
		engines[name] = open
	}
	s, err := server.Open(c.t.Context(), server.Options{
		ConfigFile: c.ConfigFile, StepPath: c.Dir, Version: "test", Quiet: true,
		Stderr: opts.Stderr, Getenv: opts.Getenv, KMS: kms.Registry{kms.Soft: opts.Keys}, Engines: engines, ACME: opts.ACME,
	}, opts.Log)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Server = s
	c.URL = "https://" + s.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	c.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	c.t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			c.t.Errorf("stopping the CA: %v", err)
		}
	})
}

// Stop stops the CA before the test ends.
func (c *CA) Stop() error { return c.stop() }
