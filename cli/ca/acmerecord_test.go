package ca

import (
	"bytes"
	"crypto/x509"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/config"
)

func TestACMERecordBelongsTo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		directory, caURL string
		want             bool
	}{
		{"https://ca.example.com/acme/acme/directory", "https://ca.example.com", true},
		{"https://ca.example.com:443/acme/acme/directory", "https://CA.example.com", true},
		{"https://ca.example.com:9000/acme/acme/directory", "https://ca.example.com", false},
		{"https://ca.example.com.evil.example/acme/acme/directory", "https://ca.example.com", false},
		{"https://ca.example.com/directory", "https://ca.example.com", false},
		{"https://ca.example.com/acme/acme/directory", "", false},
	} {
		rec := &acmeRecord{Directory: tt.directory}
		if got := rec.belongsTo(tt.caURL); got != tt.want {
			t.Errorf("%s belongs to %q: %v, want %v", tt.directory, tt.caURL, got, tt.want)
		}
	}
}

// What is kept for a certificate is what a later command does without flags.
func TestACMERecordKeepsFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := &cli.Env{Now: time.Now, Stderr: new(bytes.Buffer), Path: config.StepPath{Base: dir}}
	for _, args := range [][]string{
		nil,
		{"--http-listen", "127.0.0.1:8080"},
		{"--webroot", dir},
		{"--tls-alpn", "--tls-listen", ":8443"},
		{"--dns-hook", `/usr/bin/hook "two words"`},
	} {
		crt := &x509.Certificate{Raw: []byte(strings.Join(args, " ")), NotAfter: time.Now().Add(time.Hour)}
		var first, later, overruled acmeFlags
		parse := func(f *acmeFlags, args ...string) *cobra.Command {
			cmd := &cobra.Command{}
			f.define(cmd)
			if err := cmd.ParseFlags(args); err != nil {
				t.Fatal(err)
			}
			if err := f.check(); err != nil {
				t.Fatal(err)
			}
			return cmd
		}
		parse(&first, args...)
		rec, err := first.record("https://ca.example.com/directory", nil, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		rec.save(env, crt)
		kept, err := recordOf(env, crt)
		if err != nil || kept == nil || !kept.Expires.Equal(crt.NotAfter) || kept.Lifetime != "1h0m0s" {
			t.Fatalf("%q: kept %+v, %v", args, kept, err)
		}
		later.adopt(parse(&later), kept)
		if got, want := later.solver(env), first.solver(env); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: later solved by %+v, want %+v", args, got, want)
		}
		overruled.adopt(parse(&overruled, "--webroot", "/var/www"), kept)
		if got, want := overruled.solver(env), (&webroot{dir: "/var/www"}); !reflect.DeepEqual(got, acmeSolver(want)) {
			t.Errorf("%q: with --webroot solved by %+v", args, got)
		}
	}
}

func TestACMERecordsEnd(t *testing.T) {
	t.Parallel()
	now := time.Now()
	env := &cli.Env{Now: func() time.Time { return now }, Stderr: new(bytes.Buffer), Path: config.StepPath{Base: t.TempDir()}}
	old := &x509.Certificate{Raw: []byte("old"), NotAfter: now.Add(time.Hour)}
	(&acmeRecord{}).save(env, old)
	info, err := os.Stat(acmeRecordFile(env, old))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	stray := filepath.Join(acmeRecordDir(env), "notes.txt")
	if err := os.WriteFile(stray, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(recordKept)
	(&acmeRecord{}).save(env, &x509.Certificate{Raw: []byte("second"), NotAfter: now.Add(time.Hour)})
	if rec, err := recordOf(env, old); rec == nil || err != nil {
		t.Errorf("the record is gone too early: %v", err)
	}
	now = now.Add(2 * time.Hour)
	(&acmeRecord{}).save(env, &x509.Certificate{Raw: []byte("third"), NotAfter: now.Add(time.Hour)})
	if rec, err := recordOf(env, old); rec != nil || err != nil {
		t.Errorf("the record of a long expired certificate is %+v, %v", rec, err)
	}
	if _, err := os.Stat(stray); err != nil {
		t.Error(err)
	}
}
