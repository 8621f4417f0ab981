//go:build unix

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/internal/catest"
)

// TestFaultyStart starts a server that cannot start: it says so in one line with
// the way out, ends with the documented code, and changes no file.
func TestFaultyStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		harm func(t *testing.T, ca *catest.CA)
		args []string
		code int
		want []string // parts of the line
	}{
		{"wrong password", encryptKey, []string{"--password-file", "wrong"}, 2,
			[]string{"error decrypting ", "intermediate_ca_key", "password incorrect", "--password-file"}},
		{"password file missing", nil, []string{"--password-file", "nowhere"}, 2,
			[]string{"error reading nowhere: open nowhere: no such file or directory"}},
		{"no password and nobody to ask", encryptKey, nil, 2,
			[]string{"Please enter the password to decrypt ", "intermediate_ca_key", "/dev/tty", "--password-file"}},
		{"key missing", func(t *testing.T, ca *catest.CA) { remove(t, ca, "intermediate_ca_key") }, nil, 2,
			[]string{"intermediate_ca_key", "no such file"}},
		{"key is no key", func(t *testing.T, ca *catest.CA) { replace(t, ca, "intermediate_ca_key", []byte("not a key\n")) }, nil, 2,
			[]string{"intermediate_ca_key"}},
		{"key of another certificate", func(t *testing.T, ca *catest.CA) { replace(t, ca, "intermediate_ca_key", newKeyPEM(t)) }, nil, 2,
			[]string{"intermediate_ca.crt", "intermediate_ca_key", "do not belong together"}},
		{"root missing", func(t *testing.T, ca *catest.CA) { remove(t, ca, "root_ca.crt") }, nil, 2,
			[]string{"root_ca.crt", "no such file"}},
		{"intermediate is no certificate", func(t *testing.T, ca *catest.CA) { replace(t, ca, "intermediate_ca.crt", []byte("x")) }, nil, 2,
			[]string{"intermediate_ca.crt"}},
		{"two provisioners of one name", twoProvisioners, nil, 2,
			[]string{"authority.provisioners[1]", "same id", "authority.provisioners[0]"}},
		{"provisioner without key", func(t *testing.T, ca *catest.CA) {
			edit(t, ca, func(cfg map[string]any) {
				cfg["authority"].(map[string]any)["provisioners"] = []any{map[string]any{"type": "JWK", "name": "keyless"}}
			})
		}, nil, 2, []string{"authority.provisioners[0]", "key"}},
		{"not JSON", func(t *testing.T, ca *catest.CA) {
			replace(t, ca, "ca.json", []byte("{\n  \"root\": \"a\",\n  oops\n}"))
		}, nil, 2,
			[]string{"ca.json", "line 3"}},
		{"empty file", func(t *testing.T, ca *catest.CA) { replace(t, ca, "ca.json", nil) }, nil, 2, []string{"ca.json"}},
		{"no address", func(t *testing.T, ca *catest.CA) {
			edit(t, ca, func(cfg map[string]any) { delete(cfg, "address") })
		}, nil, 2, []string{"address cannot be empty"}},
		{"unknown database", func(t *testing.T, ca *catest.CA) {
			edit(t, ca, func(cfg map[string]any) { cfg["db"] = map[string]any{"type": "oracle", "dataSource": "x"} })
		}, nil, 2, []string{"oracle database not supported", "pebble"}},
		{"database of the reference", badgerOfReference, nil, 2,
			[]string{"Badger 2.x", "nothing was changed", "dataSource of its own"}},
		{"database server away", func(t *testing.T, ca *catest.CA) {
			edit(t, ca, func(cfg map[string]any) {
				cfg["db"] = map[string]any{"type": "postgresql", "dataSource": "postgres://127.0.0.1:1/x?connect_timeout=2"}
			})
		}, nil, 2, []string{`db.type "postgresql"`, "connect"}},
		{"CRL without a database", func(t *testing.T, ca *catest.CA) {
			edit(t, ca, func(cfg map[string]any) {
				delete(cfg, "db")
				cfg["crl"] = map[string]any{"enabled": true}
			})
		}, nil, 2, []string{"crl.enabled", "database"}},
		{"two arguments", nil, []string{"another.json"}, 1, []string{"too many positional arguments"}},
		{"unknown flag", nil, []string{"--passwordfile", "x"}, 1, []string{"passwordfile"}},
		{"test ports without --insecure", nil, []string{"--acme-http-port", "5002"}, 1, []string{"flag '--acme-http-port' requires the '--insecure' flag"}},
		{"a proxy that is no URL", nil, []string{"--acme-http-proxy", "proxy:3128"}, 1, []string{"flag '--acme-http-proxy'", "http://"}},
		{"a list of revoked Android keys that is none", nil, []string{"--acme-android-status", "ca.json"}, 2, []string{"--acme-android-status", "ca.json"}},
		{"resolver without port", nil, []string{"--resolver", "10.0.0.1"}, 1, []string{"--resolver", "host:port"}},
		{"unknown context", nil, []string{"--context", "zork"}, 1, []string{`context "zork" not found`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ca := catest.Prepare(t, catest.Options{Edit: onDisk("pebble")})
			replace(t, ca, "wrong", []byte("not the password"))
			if tt.harm != nil {
				tt.harm(t, ca)
			}
			before := files(t, ca.Dir)
			cmd := exec.Command(caProgram, append([]string{ca.ConfigFile}, tt.args...)...)
			cmd.Dir, cmd.Env, cmd.SysProcAttr = ca.Dir, environment(t.TempDir()), noTerminal()
			stdout, stderr, code := run(t, cmd)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			said := errorLines(stderr)
			if len(said) != 1 || stdout != "" {
				t.Errorf("not one line on stderr:\n%s%s", stdout, stderr)
			}
			for _, part := range tt.want {
				if !strings.Contains(stderr, part) {
					t.Errorf("%q is not in %q", part, strings.Join(said, "\n"))
				}
			}
			for name, sum := range files(t, ca.Dir) {
				if old, was := before[name]; was && old != sum {
					t.Errorf("%s was changed", name)
				}
				delete(before, name)
			}
			for name := range before {
				t.Errorf("%s was removed", name)
			}
		})
	}
}

// TestPortInUse: with whatever database, a server that cannot have one of its
// addresses ends at once, and the same files serve when the address is free.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"pebble", "badger", "bbolt", "memory", ""} {
		for _, key := range []string{"address", "insecureAddress", "metricsAddress"} {
			t.Run(engine+" "+key, func(t *testing.T) {
				t.Parallel()
				ca := catest.Prepare(t, catest.Options{Edit: onDisk(engine)})
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				edit(t, ca, func(cfg map[string]any) {
					cfg["address"] = "127.0.0.1:0"
					cfg[key] = l.Addr().String()
				})
				p := launch(t, ca.ConfigFile)
				if code := p.wait(); code != 2 {
					t.Errorf("exit code %d", code)
				}
				want := fmt.Sprintf("%s: listen tcp %s: bind: address already in use", key, l.Addr())
				if said := p.out.String(); !strings.Contains(said, want) {
					t.Errorf("step-ca said %q, want %q", said, want)
				}
				l.Close()
				p = launch(t, ca.ConfigFile)
				p.expect("Serving HTTPS on ")
				if code := p.stop(); code != 0 {
					t.Errorf("a clean stop: exit code %d", code)
				}
			})
		}
	}
}

// TestExpiredIntermediate: a CA whose certificate expired says what to do.
func TestExpiredIntermediate(t *testing.T) {
	t.Parallel()
	ca := catest.Prepare(t, catest.Options{Intermediate: func(tmpl *x509.Certificate) {
		tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	}})
	p := launch(t, ca.ConfigFile)
	if code := p.wait(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"intermediate_ca.crt", "expired on ", "step certificate sign"} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("%q is not in %q", want, p.out.String())
		}
	}
}

// TestNoConfiguration holds the lines that people meet first.
func TestNoConfiguration(t *testing.T) {
	t.Parallel()
	p := launch(t, filepath.Join(t.TempDir(), "ca.json"))
	if code := p.wait(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	want := "step-ca can't find or open the configuration file for your CA.\nYou may need to create a CA first by running `step ca init`.\n"
	if said := p.out.String(); !strings.HasPrefix(said, want) {
		t.Errorf("step-ca said %q", said)
	}
}

// onDisk gives a CA a database of an embedded engine beside its other files;
// "" is none.
func onDisk(engine string) func(map[string]any) {
	return func(cfg map[string]any) {
		cfg["db"] = map[string]any{"type": engine, "dataSource": filepath.Join(filepath.Dir(cfg["root"].(string)), "db")}
		if engine == "" {
			delete(cfg, "db")
		}
	}
}

// errorLines leaves out what is logged on the way.
func errorLines(stderr string) []string {
	var lines []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "time=") {
			lines = append(lines, line)
		}
	}
	return lines
}

// files returns a hash of each file below a directory, those of the database aside.
func files(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	sums := make(map[string][32]byte)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() { // directories, and the socket of a running server
			return err
		}
		data, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func replace(t *testing.T, ca *catest.CA, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(ca.Dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, ca *catest.CA, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(ca.Dir, name)); err != nil {
		t.Fatal(err)
	}
}

func newKeyPEM(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// encryptKey encrypts the issuer's key, as a user of openssl would.
func encryptKey(t *testing.T, ca *catest.CA) {
	t.Helper()
	key := filepath.Join(ca.Dir, "intermediate_ca_key")
	must(t, peer(t, "openssl", "openssl"), "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", key, "-out", key+".enc", "-passout", "pass:the password")
	if err := os.Rename(key+".enc", key); err != nil {
		t.Fatal(err)
	}
}

func twoProvisioners(t *testing.T, ca *catest.CA) {
	t.Helper()
	edit(t, ca, func(cfg map[string]any) {
		authority := cfg["authority"].(map[string]any)
		list := authority["provisioners"].([]any)
		authority["provisioners"] = append(list, list[0])
	})
}

// badgerOfReference puts the first files of a Badger 2 database where ours goes.
func badgerOfReference(t *testing.T, ca *catest.CA) {
	t.Helper()
	dir := filepath.Join(ca.Dir, "db")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	replace(t, ca, "db/MANIFEST", []byte("Bdgr\x00\x00\x00\x07"))
	replace(t, ca, "db/KEYREGISTRY", []byte("Hello Badger"))
	replace(t, ca, "db/000001.vlog", []byte("x"))
}
