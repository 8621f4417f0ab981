//go:build unix

package e2e

import (
	"crypto/x509"
	"net/http"
	"path/filepath"
	"testing"

	"stepca/internal/catest"
	"stepca/internal/freeport"
	"stepca/internal/sqltest"
)

// TestDatabaseServers runs the CA on database servers: what was issued, spent and
// revoked outlives a restart, and two servers on one database are one CA.
func TestDatabaseServers(t *testing.T) {
	t.Parallel()
	for engine, newDSN := range map[string]func(testing.TB) string{"postgresql": sqltest.Postgres, "mysql": sqltest.MariaDB} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := newDSN(t)
			ca := catest.Prepare(t, catest.Options{Edit: func(cfg map[string]any) {
				cfg["db"] = map[string]any{"type": engine, "dataSource": dsn}
				cfg["authority"].(map[string]any)["disableIssuedAtCheck"] = true
				cfg["crl"] = map[string]any{"enabled": true, "generateOnRevoke": true}
			}})
			p := serve(t, ca)
			kept, revoked := ca.Issue("kept.example.com"), ca.Issue("revoked.example.com")
			serial := revoked.Leaf.SerialNumber.String()
			revoke := map[string]any{"serial": serial, "ott": ca.RevokeToken(serial), "passive": true}
			if status, body := ca.Post(ca.HTTP(nil), "/revoke", revoke); status != http.StatusOK {
				t.Fatalf("revoke: %d %s", status, body)
			}
			_, csr := ca.CSR(x509.CertificateRequest{})
			sign := map[string]any{"csr": csr, "ott": ca.Token("once.example.com", nil, nil)}
			if status, body := ca.Post(ca.HTTP(nil), "/sign", sign); status != http.StatusCreated {
				t.Fatalf("sign: %d %s", status, body)
			}
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}

			serve(t, ca)
			second := sibling(t, ca)
			serve(t, second)
			for _, server := range []*catest.CA{ca, second} {
				if status, body := server.Post(server.HTTP(kept), "/renew", nil); status != http.StatusCreated {
					t.Errorf("renewal after a restart: %d %s", status, body)
				}
				if status, body := server.Post(server.HTTP(revoked), "/renew", nil); status != http.StatusUnauthorized {
					t.Errorf("renewal of what was revoked before a restart: %d %s", status, body)
				}
				if status, body := server.Post(server.HTTP(nil), "/sign", sign); status != http.StatusUnauthorized {
					t.Errorf("a used token after a restart: %d %s", status, body)
				}
				wantListed(t, server, serial)
			}
			oneCA(t, ca, second)
			oneCA(t, second, ca)
		})
	}
}

// oneCA checks that what happens at one server is so at the other, at once.
func oneCA(t *testing.T, here, there *catest.CA) {
	t.Helper()
	_, csr := here.CSR(x509.CertificateRequest{})
	sign := map[string]any{"csr": csr, "ott": here.Token("once.example.com", nil, nil)}
	if status, body := here.Post(here.HTTP(nil), "/sign", sign); status != http.StatusCreated {
		t.Errorf("sign here: %d %s", status, body)
	}
	if status, body := there.Post(there.HTTP(nil), "/sign", sign); status != http.StatusUnauthorized {
		t.Errorf("the same token there: %d %s", status, body)
	}
	crt := here.Issue("both.example.com")
	if status, body := there.Post(there.HTTP(crt), "/renew", nil); status != http.StatusCreated {
		t.Errorf("renewal there: %d %s", status, body)
	}
	serial := crt.Leaf.SerialNumber.String()
	if status, body := here.Post(here.HTTP(crt), "/revoke", map[string]any{"serial": serial, "passive": true}); status != http.StatusOK {
		t.Errorf("revocation here: %d %s", status, body)
	}
	if status, body := there.Post(there.HTTP(crt), "/renew", nil); status != http.StatusUnauthorized {
		t.Errorf("renewal there after the revocation here: %d %s", status, body)
	}
}

// sibling is another server of the same CA, with the same files and database.
func sibling(t *testing.T, ca *catest.CA) *catest.CA {
	t.Helper()
	address := freeport.Address(t)
	cfg := ca.ReadConfig()
	cfg["address"] = address
	other := *ca
	other.ConfigFile = filepath.Join(ca.Dir, "second.json")
	other.URL = "https://" + address
	writeJSON(t, other.ConfigFile, cfg)
	return &other
}

// wantListed checks that the CA's list has a serial number.
func wantListed(t *testing.T, ca *catest.CA, serial string) {
	t.Helper()
	_, der := ca.Get(ca.HTTP(nil), "/crl")
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Error(err)
		return
	}
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.String() == serial {
			return
		}
	}
	t.Errorf("%s is not on the list", serial)
}
