package config_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/config"
	"stepca/keyfile"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// newCA writes a root, an intermediate that ends after life, and keys below dir.
func newCA(t *testing.T, dir string, life time.Duration, password []byte) {
	t.Helper()
	write := func(name string, data []byte, perm os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), data, perm); err != nil {
			t.Fatal(err)
		}
	}
	key := func() crypto.Signer {
		k, err := keyfile.Generate(keyfile.KeySpec{})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sign := func(name string, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer, life time.Duration) *x509.Certificate {
		tpl := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(life),
		}
		if parent == nil {
			parent = tpl
		}
		der, err := x509.CreateCertificate(rand.Reader, tpl, parent, pub, signer)
		if err != nil {
			t.Fatal(err)
		}
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return crt
	}
	rootKey, caKey := key(), key()
	root := sign("Root", nil, rootKey.Public(), rootKey, 3650*24*time.Hour)
	write("root.crt", keyfile.EncodeCertificates(root), 0o644)
	write("ca.crt", keyfile.EncodeCertificates(sign("CA", root, caKey.Public(), rootKey, life)), 0o644)
	pem, err := keyfile.EncodePrivateKey(caKey, keyfile.PKCS8, password)
	if err != nil {
		t.Fatal(err)
	}
	write("ca.key", pem, 0o600)
}

func TestCheckFiles(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	dirs := map[string]string{"DIR": t.TempDir(), "EXPIRED": t.TempDir(), "SOON": t.TempDir(), "SEALED": t.TempDir()}
	newCA(t, dirs["DIR"], year, nil)
	newCA(t, dirs["EXPIRED"], -time.Hour, nil)
	newCA(t, dirs["SOON"], 24*time.Hour, nil)
	newCA(t, dirs["SEALED"], year, []byte("right"))
	open := filepath.Join(dirs["DIR"], "open.key")
	pem, err := os.ReadFile(filepath.Join(dirs["DIR"], "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"bad.tpl": `{{ if }}`, "good.tpl": `{"subject": {}}`} {
		if err := os.WriteFile(filepath.Join(dirs["DIR"], name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := func(dir, key string) string {
		return `"root":"` + dir + `/root.crt","crt":"` + dir + `/ca.crt","key":"` + key + `","address":":1"`
	}
	good := names("DIR", "DIR/ca.key")
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"good", `{` + good + `}`, nil},
		{"missing", `{"root":"DIR/no.crt","crt":"DIR/ca.key","key":"DIR/no.key","address":":1","federatedRoots":["DIR/no.crt"]}`, []string{
			`E root[0]: error reading "DIR/no.crt": no such file or directory`,
			"E crt: error parsing DIR/ca.key: does not contain a valid PEM encoded certificate",
			`E key: error reading "DIR/no.key": no such file or directory`,
			`E federatedRoots[0]: error reading "DIR/no.crt": no such file or directory`}},
		{"key of another", `{` + names("DIR", "SOON/ca.key") + `}`, []string{
			`E key: DIR/ca.crt and SOON/ca.key do not belong together: certificate and private key do not match: the certificate of "CN=CA" has a different public key (EC P-256) from the private key (EC P-256)`}},
		{"root of another", `{"root":"SOON/root.crt","crt":"DIR/ca.crt","key":"DIR/ca.key","address":":1"}`, []string{
			`E crt: DIR/ca.crt does not lead to a root of this CA: x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "Root")`}},
		{"expired", `{` + names("EXPIRED", "EXPIRED/ca.key") + `}`, []string{"E crt: EXPIRED/ca.crt expired on 2026-11-21T11:00:00Z; sign a new intermediate with the root key"}},
		{"expires soon", `{` + names("SOON", "SOON/ca.key") + `}`, []string{"W crt: SOON/ca.crt expires on 2026-11-22T12:00:00Z; sign a new intermediate with the root key in good time"}},
		{"encrypted, no password", `{` + names("SEALED", "SEALED/ca.key") + `}`, nil},
		{"encrypted, wrong password", `{` + names("SEALED", "SEALED/ca.key") + `,"password":"wrong"}`, []string{"E key: error decrypting SEALED/ca.key: x509: decryption password incorrect"}},
		{"encrypted, right password", `{` + names("SEALED", "SEALED/ca.key") + `,"password":"right"}`, nil},
		{"another issuer", `{` + good + `,"issuers":[{"name":"x","root":"SEALED/root.crt","crt":"SEALED/ca.crt","key":"SEALED/ca.key","password":"wrong"}]}`, []string{"E issuers[0].key: error decrypting SEALED/ca.key: x509: decryption password incorrect"}},
		{"open key", `{` + names("DIR", "DIR/open.key") + `}`, []string{"W key: DIR/open.key can be read by everybody, and the key is not encrypted; chmod 600 DIR/open.key"}},
		{"key elsewhere", `{` + names("DIR", "awskms:key-id=1") + `,"ssh":{"hostKey":"DIR/no"}}`, []string{`E ssh.hostKey: error reading "DIR/no": no such file or directory`}},
		{"keys by name in a KMS", `{` + names("DIR", "mrk-1") + `,"kms":{"type":"awskms"}}`, nil},
		{"templates", `{` + good + `,"templates":{"ssh":{"user":[{"template":"no.tpl"},{"template":"good.tpl"}],"host":[{"template":"DIR"}]}}}`, []string{
			"E templates.ssh.user[0].template: error reading DIR/no.tpl: stat DIR/no.tpl: no such file or directory",
			"E templates.ssh.host[0].template: error reading DIR: it is a directory"}},
		{"provisioners", `{` + good + `,"authority":{"provisioners":[{"type":"ACME","name":"a","options":{"x509":{"templateFile":"no.tpl"}}},{"type":"ACME","name":"b","options":{"x509":{"templateFile":"bad.tpl"}}},{"type":"ACME","name":"c","options":{"x509":{"templateFile":"good.tpl"}}}]}}`, []string{
			`E authority.provisioners[0]: provisioner "a" is disabled: options.x509: reading templateFile "no.tpl": no such file or directory`,
			"E authority.provisioners[1].options.x509: the template cannot be parsed: error parsing template: template: template:1: missing value for if"}},
		{"profiles", `{` + good + `,"authority":{"provisioners":[{"type":"ACME","name":"a","profiles":{"x":{"description":"d","claims":{"maxTLSCertDuration":"48h"}},"y":{}},"defaultProfile":"z"},{"type":"ACME","name":"b","profiles":{"x":{"description":"d","templateFile":"bad.tpl"},"y":{"description":"d","templateFile":"good.tpl"}}}]}}`, []string{
			`E authority.provisioners[0].profiles.x.claims.maxTLSCertDuration: provisioner "a" is disabled: 48h0m0s is more than the provisioner's maximum of 24h0m0s`,
			`E authority.provisioners[0].profiles.y.description: provisioner "a" is disabled: clients have to be told what the profile is for`,
			`E authority.provisioners[0].defaultProfile: provisioner "a" is disabled: there is no profile called "z"`,
			"E authority.provisioners[1].profiles.x: the template cannot be parsed: error parsing template: template: template:1: missing value for if"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var in, out []string
			for name, dir := range dirs {
				in, out = append(in, name, dir), append(out, dir, name)
			}
			c, err := config.Parse([]byte(strings.NewReplacer(in...).Replace(tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			faults := c.CheckFiles(config.FileOptions{StepPath: dirs["DIR"], Now: func() time.Time { return now }})
			got := faultLines(faults)
			for i := range got {
				got[i] = strings.NewReplacer(out...).Replace(got[i])
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("CheckFiles (-want +got):\n%s", d)
			}
		})
	}
}
