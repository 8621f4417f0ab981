package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/config"
	"stepca/config/pki"
	"stepca/keyfile"
)

func TestInitVariants(t *testing.T) {
	t.Parallel()
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(plainTree), func(line string) bool {
			_, name, _ := strings.Cut(line, " ")
			return slices.Contains(names, name)
		})
	}
	for _, tt := range []struct {
		name  string
		opts  func(*pki.Options)
		files []string
	}{
		{"no database", func(o *pki.Options) { o.NoDatabase = true }, without("db/")},
		{"PKI only", func(o *pki.Options) { o.PKIOnly, o.Address, o.DNSNames = true, "", nil },
			without("db/", "config/ca.json", "config/defaults.json")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			tt.opts(&o)
			if _, err := pki.Init(o); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.files, tree(t, o.Path.Dir())); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
		})
	}
}

func TestInitErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts func(*pki.Options)
		want string
	}{
		{"no name", func(o *pki.Options) { o.Name = "" }, "name must not be empty"},
		{"no DNS name", func(o *pki.Options) { o.DNSNames = []string{" ", ","} }, "dns must not be empty"},
		{"bad DNS name", func(o *pki.Options) { o.DNSNames = []string{"ca..x"} }, `dns name "ca..x" is invalid: empty label`},
		{"bad address", func(o *pki.Options) { o.Address = "9000" }, "9000 is not an TCP address"},
		{"no password", func(o *pki.Options) { o.Password = keyfile.NewSecret(nil) }, "a password for the keys is required"},
		{"linked", func(o *pki.Options) { o.DeploymentType = "Linked" }, `deployment type "linked" needs a hosted service`},
		{"incompatible", func(o *pki.Options) { o.NoDatabase, o.ACME = true, true }, "flag '--acme' is incompatible with '--no-db'"},
		{"admin subject", func(o *pki.Options) { o.AdminSubject = "ann" }, "flag '--admin-subject' is only supported when '--remote-management' is enabled"},
		{"plain URL", func(o *pki.Options) { o.CAURL = "http://ca" }, `the CA URL "http://ca" is not of the form https://host[:port]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			tt.opts(&o)
			_, err := pki.Init(o)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("Init gives error %v, want %s", err, tt.want)
			}
			if _, err := os.Stat(o.Path.Dir()); err == nil {
				t.Error("something was written")
			}
		})
	}
}

// A root of somebody else signs our intermediate, within its own validity.
func TestInitExistingRoot(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "Old Root"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour).Truncate(time.Second),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SignatureAlgorithm: x509.SHA384WithRSA,
	}
	init := func(t *testing.T, tpl x509.Certificate) (pki.Options, *pki.Result, error) {
		o := options(t)
		der, err := x509.CreateCertificate(rand.Reader, &tpl, &tpl, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		pem, err := keyfile.EncodePrivateKey(key, keyfile.Traditional, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Root = &pki.ExistingRoot{CertFile: filepath.Join(t.TempDir(), "root.crt"), KeyFile: filepath.Join(t.TempDir(), "root.key")}
		for name, data := range map[string][]byte{o.Root.CertFile: keyfile.EncodeCertificates(cert), o.Root.KeyFile: pem} {
			if err := keyfile.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := pki.Init(o)
		return o, r, err
	}
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		o, r, err := init(t, good)
		if err != nil {
			t.Fatal(err)
		}
		crt := r.PKI.Intermediate
		if err := crt.CheckSignatureFrom(r.PKI.Root); err != nil {
			t.Error(err)
		}
		if !crt.NotAfter.Equal(good.NotAfter) || crt.SignatureAlgorithm != x509.SHA384WithRSA {
			t.Errorf("intermediate ends %v, signed with %v", crt.NotAfter, crt.SignatureAlgorithm)
		}
		if _, err := os.Stat(filepath.Join(o.Path.Dir(), "secrets", "root_ca_key")); err == nil {
			t.Error("the key of the root was copied")
		}
		if slices.ContainsFunc(r.Lines, func(l pki.Line) bool { return l.Label == "Root private key" }) {
			t.Error("a key that does not exist is listed")
		}
	})
	for name, spoil := range map[string]func(*x509.Certificate){
		"is not a CA certificate": func(c *x509.Certificate) { c.IsCA = false },
		"path length of 0":        func(c *x509.Certificate) { c.MaxPathLenZero = true },
		"expired on 2026-11-21":   func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) },
		"certificate signing":     func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tpl := good
			spoil(&tpl)
			if _, _, err := init(t, tpl); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("Init gives error %v, want %s", err, name)
			}
		})
	}
}

func TestInitContext(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Path.Context = config.Context{Name: "foo", Profile: "foo", Authority: "foo"}
	r, err := pki.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	base := o.Path.Base
	if _, err := config.Load(filepath.Join(base, "authorities", "foo", "config", "ca.json")); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"contexts.json":                     "{\n    \"foo\": {\n        \"profile\": \"foo\",\n        \"authority\": \"foo\"\n    }\n}",
		"current-context.json":              `{"context":"foo"}`,
		"profiles/foo/config/defaults.json": "{}",
	} {
		got, err := os.ReadFile(filepath.Join(base, name))
		if err != nil || string(got) != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	if !slices.Contains(r.Lines, pki.Line{Label: "Default profile configuration", Value: filepath.Join(base, "profiles/foo/config/defaults.json")}) {
		t.Errorf("lines are %v", r.Lines)
	}
}

func TestInitRemoteManagement(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.RemoteManagement, o.ACME, o.AdminSubject = true, true, "ann"
	var stored []json.RawMessage
	o.StoreAdmin = func(c *config.Config, provisioners []json.RawMessage, subject string) error {
		stored = provisioners
		if subject != "ann" || c.DB == nil {
			t.Errorf("subject %q, db %v", subject, c.DB)
		}
		return nil
	}
	if _, err := pki.Init(o); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(o.Path.CAConfig())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Authority.EnableAdmin || len(c.Authority.Provisioners) != 0 || len(stored) != 2 {
		t.Errorf("enableAdmin %v, %d provisioners in the file, %d stored", c.Authority.EnableAdmin, len(c.Authority.Provisioners), len(stored))
	}
}

// What fails in the middle leaves nothing behind, and nothing lost.
func TestWriteUndo(t *testing.T) {
	t.Parallel()
	o := options(t)
	boom := errors.New("boom")
	fail, overwrite := boom, false
	o.RemoteManagement = true
	o.StoreAdmin = func(c *config.Config, _ []json.RawMessage, _ string) error {
		if err := os.WriteFile(filepath.Join(c.DB.DataSource, "LOCK"), nil, 0o600); err != nil {
			t.Error(err)
		}
		return fail
	}
	o.Overwrite = func(string) (bool, error) { return overwrite, nil }
	p, err := pki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(); !errors.Is(err, boom) {
		t.Fatalf("Write gives error %v, want %v", err, boom)
	}
	if got := tree(t, o.Path.Base); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}

	old := filepath.Join(o.Path.Base, "certs", "root_ca.crt")
	if err := keyfile.WriteFile(old, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(); err == nil || err.Error() != old+": file exists" {
		t.Errorf("Write gives error %v when told not to overwrite", err)
	}
	overwrite = true
	if _, err := p.Write(); !errors.Is(err, boom) {
		t.Errorf("Write gives error %v, want %v", err, boom)
	}
	if got, err := os.ReadFile(old); err != nil || string(got) != "old" {
		t.Errorf("the old file is %q, %v", got, err)
	}
	fail = nil
	if _, err := p.Write(); err != nil {
		t.Error(err)
	}
}

func TestInitRegistrationAuthority(t *testing.T) {
	t.Parallel()
	up := options(t)
	up.PKIOnly = true
	upstream, err := pki.New(up)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Name = ""
	o.RA = &pki.RegistrationAuthority{URL: "https://up.x", Fingerprint: upstream.Fingerprint(), Provisioner: "ra",
		FetchRoot: func(string, string) (*x509.Certificate, error) { return upstream.Root, nil }}
	if _, err := pki.Init(o); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(o.Path.CAConfig())
	if err != nil {
		t.Fatal(err)
	}
	if !c.IsRA() || c.Crt != "" || c.Authority.CertificateIssuer.Provisioner != "ra" {
		t.Errorf("configuration is %+v", c.Authority)
	}
	bad := options(t)
	bad.RA = o.RA
	bad.RA.FetchRoot = func(string, string) (*x509.Certificate, error) { return upstream.Intermediate, nil }
	if _, err := pki.Init(bad); err == nil || !strings.Contains(err.Error(), "has the fingerprint") {
		t.Errorf("Init gives error %v for another root", err)
	}
}
