//go:build unix

package store_test

import (
	"database/sql"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
	"stepca/internal/sqltest"
	"stepca/kv"
	kvsql "stepca/kv/sql"
	"stepca/store"
)

// A sqlServer is one that the views are tested on.
type sqlServer struct {
	name, driver string
	dsn          func(testing.TB) string
	open         func(testing.TB, string) kv.Engine
}

var sqlServers = []sqlServer{
	{"PostgreSQL", "pgx", sqltest.Postgres, func(t testing.TB, dsn string) kv.Engine {
		e, err := kvsql.OpenPostgreSQL(t.Context(), kvsql.Options{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}},
	{"MariaDB", "mysql", sqltest.MariaDB, func(t testing.TB, dsn string) kv.Engine {
		e, err := kvsql.OpenMySQL(t.Context(), kvsql.Options{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}},
}

// TestSSHHostsOnServers is TestSSHHosts for engines whose transactions may
// conflict.
func TestSSHHostsOnServers(t *testing.T) {
	for _, server := range sqlServers {
		t.Run(server.name, func(t *testing.T) {
			engine := server.open(t, server.dsn(t))
			defer engine.Close()
			testSSHHosts(t, engine)
		})
	}
}

func TestViewsShowRecords(t *testing.T) {
	for _, server := range sqlServers {
		t.Run(server.name, func(t *testing.T) {
			dsn := server.dsn(t)
			engine := server.open(t, dsn)
			defer engine.Close()
			clk := newClock()
			s := store.New(engine, store.Options{Now: clk.Now})
			for range 2 { // the second finds them there
				if err := s.DefineViews(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			fillForViews(t, s, clk)
			db, err := sql.Open(server.driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			checkOwnViews(t, db, clk)
			checkCompatibleViews(t, db, clk)
		})
	}
}

func fillForViews(t *testing.T, s *store.Store, clk *clock) {
	t.Helper()
	one, two := certificate(clk, 101, "a.example"), certificate(clk, 102)
	one.RA = &ca.RegistrationAuthority{ProvisionerName: "x<y>"}
	two.Provisioner = ca.ProvisionerRef{}
	mustRecord(t, s, one)
	mustRecord(t, s, two)
	for _, rev := range []*ca.Revocation{
		{Serial: "101", ReasonCode: 4, Reason: "new & better", Provisioner: one.Provisioner, By: "mtls"},
		{Serial: "999", Issuer: "default", By: "token", TokenID: "jti"},
	} {
		if _, err := s.Revoke(t.Context(), rev, nil); err != nil {
			t.Fatal(err)
		}
	}
	mustRecordSSH(t, s, sshCertificate(clk, 1<<63, ca.SSHUser, "joe", "joe"))
}

func checkOwnViews(t *testing.T, db *sql.DB, clk *clock) {
	t.Helper()
	var provisioner, notAfter string
	err := db.QueryRowContext(t.Context(), "SELECT provisioner, not_after FROM certificates WHERE serial = '101'").Scan(&provisioner, &notAfter)
	if want := clk.Now().Add(24 * time.Hour).Format(time.RFC3339); err != nil || provisioner != "admin" || notAfter != want {
		t.Errorf("certificates: %q, %q, %v", provisioner, notAfter, err)
	}
	var reason string
	err = db.QueryRowContext(t.Context(), "SELECT reason FROM revocations WHERE evidence = 'mtls'").Scan(&reason)
	if err != nil || reason != "new & better" {
		t.Errorf("revocations: %q, %v", reason, err)
	}
	var serial string
	err = db.QueryRowContext(t.Context(), "SELECT serial FROM ssh_certificates WHERE key_id = 'joe'").Scan(&serial)
	if err != nil || serial != "9223372036854775808" {
		t.Errorf("ssh_certificates: %q, %v", serial, err)
	}
}

func checkCompatibleViews(t *testing.T, db *sql.DB, clk *clock) {
	t.Helper()
	certs := pairs(t, db, "x509_certs")
	if diff := cmp.Diff(map[string]string{"101": "DER of 101", "102": "DER of 102"}, certs); diff != "" {
		t.Errorf("x509_certs (-want +got):\n%s", diff)
	}
	data := parsed(t, pairs(t, db, "x509_certs_data"))
	if diff := cmp.Diff(map[string]any{
		"101": map[string]any{
			"provisioner": map[string]any{"id": "admin:kid", "name": "admin", "type": "JWK"},
			"ra":          map[string]any{"provisionerName": "x<y>"},
		},
		"102": map[string]any{},
	}, data); diff != "" {
		t.Errorf("x509_certs_data (-want +got):\n%s", diff)
	}
	revoked := parsed(t, pairs(t, db, "revoked_x509_certs"))
	now, end := clk.Now().Format(time.RFC3339), clk.Now().Add(24*time.Hour).Format(time.RFC3339)
	if diff := cmp.Diff(map[string]any{
		"101": map[string]any{
			"Serial": "101", "ProvisionerID": "admin:kid", "ReasonCode": 4.0, "Reason": "new & better", "RevokedAt": now,
			"ExpiresAt": end, "TokenID": "", "MTLS": true, "ACME": false,
		},
		"999": map[string]any{
			"Serial": "999", "ProvisionerID": "", "ReasonCode": 0.0, "Reason": "", "RevokedAt": now,
			"ExpiresAt": "0001-01-01T00:00:00Z", "TokenID": "jti", "MTLS": false, "ACME": false,
		},
	}, revoked); diff != "" {
		t.Errorf("revoked_x509_certs (-want +got):\n%s", diff)
	}
}

// pairs reads a view as the reference's tables are read.
func pairs(t *testing.T, db *sql.DB, view string) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+view)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	m := make(map[string]string)
	for rows.Next() {
		var key, value []byte
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		m[string(key)] = string(value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

func parsed(t *testing.T, values map[string]string) map[string]any {
	t.Helper()
	m := make(map[string]any)
	for key, value := range values {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Errorf("%s: %v in %s", key, err, value)
		}
		m[key] = v
	}
	return m
}
