package config_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
	"stepca/config"
	"stepca/keyfile"
)

func TestDefaultsThatApply(t *testing.T) {
	t.Parallel()
	c := &config.Config{}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"names", c.ServerNames(), []string{"localhost", "127.0.0.1", "::1"}},
		{"common name", c.ServerCommonName(), "Step Online CA"},
		{"lint", c.Lint.Mode(), config.LintShape},
		{"key manager", c.KMS.Kind(), "softkms"},
		{"key manager of a URI", (&config.KMS{URI: "PKCS11:token=x"}).Kind(), "pkcs11"},
		{"backdate", c.Authority.BackdateDuration(), time.Minute},
		{"issuers", c.AllIssuers(), []config.Issuer(nil)},
		{"engine", (&config.DB{Type: "badgerV2"}).Engine(), "badger"},
		{"CRL cache", (&config.CRL{CacheDuration: -1}).Cache(), 24 * time.Hour},
		{"CRL renewal", (&config.CRL{CacheDuration: ca.Duration(3 * time.Hour)}).Renew(), 2 * time.Hour},
		{"retention", (*config.Retention)(nil).WithDefaults(), config.Retention{Orders: ca.Duration(7 * 24 * time.Hour), Refusals: ca.Duration(30 * 24 * time.Hour)}},
		{"retention without end", (&config.Retention{Orders: -1, Certificates: 5}).WithDefaults(), config.Retention{Refusals: ca.Duration(30 * 24 * time.Hour), Certificates: 5}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestTLSApply(t *testing.T) {
	t.Parallel()
	var cfg tls.Config
	if err := (*config.TLS)(nil).Apply(&cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.MinVersion != tls.VersionTLS12 || cfg.MaxVersion != tls.VersionTLS13 || len(cfg.CipherSuites) != 2 {
		t.Errorf("defaults are %x to %x with %x", cfg.MinVersion, cfg.MaxVersion, cfg.CipherSuites)
	}
	if err := (&config.TLS{CipherSuites: []string{"X"}}).Apply(&cfg); err == nil || err.Error() != "X is not a valid cipher suite" {
		t.Errorf("error %v for an unknown suite", err)
	}
}

func TestAllIssuers(t *testing.T) {
	t.Parallel()
	crl := &config.CRL{Enabled: true}
	c := &config.Config{Crt: "c", Key: "k", CRL: crl, Issuers: []config.Issuer{
		{Name: "next", Crt: "c2", Key: "k2", State: config.IssuerStaged, CRL: &config.CRL{}},
	}}
	all := c.AllIssuers()
	if len(all) != 2 || all[0].Name != "default" || all[0].State != config.IssuerActive || all[0].CRL != crl {
		t.Fatalf("issuers are %+v", all)
	}
	if all[1].State != config.IssuerStaged || all[1].CRL.IsEnabled() || c.Issuers[0].AIA != nil {
		t.Errorf("the second is %+v", all[1])
	}
}

// No way of printing a configuration shows what is secret in it.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := &config.Config{
		Password: keyfile.NewSecret([]byte("hunter2")),
		KMS:      &config.KMS{PIN: keyfile.NewSecret([]byte("hunter2"))},
		DB:       &config.DB{Type: "mysql", DataSource: "root:hunter2@tcp(db)/"},
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c)
	c.DB = nil // which only LogValue keeps back
	for _, text := range []string{log.String(), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c.KMS)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("printed: %s", text)
		}
	}
}
