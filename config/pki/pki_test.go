package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"stepca/config"
	"stepca/config/pki"
	"stepca/jose"
	"stepca/keyfile"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 500, time.UTC)

func options(t *testing.T) pki.Options {
	t.Helper()
	return pki.Options{
		Path:        config.StepPath{Base: filepath.Join(t.TempDir(), "step")},
		Name:        "Audit",
		DNSNames:    []string{"localhost", "127.0.0.1"},
		Address:     "127.0.0.1:9000",
		Provisioner: "admin",
		Password:    keyfile.NewSecret([]byte("pass1")),
		Now:         func() time.Time { return now },
	}
}

// tree lists the files below dir with their modes; directories end in "/".
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if d.IsDir() {
			rel += "/"
		}
		list = append(list, info.Mode().Perm().String()+" "+filepath.ToSlash(rel))
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return list
}

var plainTree = []string{
	"-rwx------ certs/", "-rw------- certs/intermediate_ca.crt", "-rw------- certs/root_ca.crt",
	"-rwx------ config/", "-rw-r--r-- config/ca.json", "-rw-r--r-- config/defaults.json",
	"-rwx------ db/",
	"-rwx------ secrets/", "-rw------- secrets/intermediate_ca_key", "-rw------- secrets/root_ca_key",
	"-rwx------ templates/",
}

func TestInitPlain(t *testing.T) {
	t.Parallel()
	o := options(t)
	var progress bytes.Buffer
	o.Progress = &progress
	r, err := pki.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	dir := o.Path.Dir()
	if d := cmp.Diff(plainTree, tree(t, dir)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if got, want := progress.String(), "Generating root certificate... done!\nGenerating intermediate certificate... done!\n"; got != want {
		t.Errorf("progress is %q, want %q", got, want)
	}
	checkCertificates(t, dir)

	c, err := config.Load(o.Path.CAConfig())
	if err != nil {
		t.Fatal(err)
	}
	if c.DB.Engine() != config.EnginePebble || c.DB.DataSource != filepath.Join(dir, "db") {
		t.Errorf("db is %+v", c.DB)
	}
	checkJWK(t, c.Authority.Provisioners[0])

	defaults, err := os.ReadFile(o.Path.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n\t\"ca-url\": \"https://localhost:9000\",\n\t\"ca-config\": \"DIR/config/ca.json\",\n\t\"fingerprint\": \"" +
		r.PKI.Fingerprint() + "\",\n\t\"root\": \"DIR/certs/root_ca.crt\"\n}"
	if d := cmp.Diff(want, strings.ReplaceAll(string(defaults), dir, "DIR")); d != "" {
		t.Errorf("defaults.json (-want +got):\n%s", d)
	}

	var text strings.Builder
	if err := r.Fprint(&text); err != nil {
		t.Fatal(err)
	}
	wantText := `
✔ Root certificate: DIR/certs/root_ca.crt
✔ Root private key: DIR/secrets/root_ca_key
✔ Root fingerprint: FINGERPRINT
✔ Intermediate certificate: DIR/certs/intermediate_ca.crt
✔ Intermediate private key: DIR/secrets/intermediate_ca_key
✔ Database folder: DIR/db
✔ Default configuration: DIR/config/defaults.json
✔ Certificate Authority configuration: DIR/config/ca.json

Your PKI is ready to go. To generate certificates for individual services see 'step help ca'.
`
	gotText := strings.NewReplacer(dir, "DIR", r.PKI.Fingerprint(), "FINGERPRINT").Replace(text.String())
	if d := cmp.Diff(wantText, gotText); d != "" {
		t.Errorf("output (-want +got):\n%s", d)
	}
}

// checkCertificates looks at the certificates with our eyes and OpenSSL's.
func checkCertificates(t *testing.T, dir string) {
	t.Helper()
	rootFile, crtFile := filepath.Join(dir, "certs", "root_ca.crt"), filepath.Join(dir, "certs", "intermediate_ca.crt")
	keyFile := filepath.Join(dir, "secrets", "intermediate_ca_key")
	root, err := keyfile.LoadCertificate(rootFile)
	if err != nil {
		t.Fatal(err)
	}
	chain, _, err := keyfile.LoadPair(crtFile, keyFile, keyfile.FixedPassword([]byte("pass1")))
	if err != nil {
		t.Fatal(err)
	}
	crt := chain[0]
	if got := root.Subject.ToRDNSequence().String() + " / " + crt.Subject.String() + " / " + crt.Issuer.String(); got != "CN=Audit Root CA,O=Audit / CN=Audit Intermediate CA,O=Audit / CN=Audit Root CA,O=Audit" {
		t.Errorf("names are %s", got)
	}
	begin := now.Truncate(time.Second)
	end := begin.Add(87600 * time.Hour)
	for _, c := range []*x509.Certificate{root, crt} {
		if !c.NotBefore.Equal(begin) || !c.NotAfter.Equal(end) {
			t.Errorf("%s is valid from %v to %v", c.Subject, c.NotBefore, c.NotAfter)
		}
		if c.SignatureAlgorithm != x509.ECDSAWithSHA256 || c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(c.SubjectKeyId) != 20 {
			t.Errorf("%s: %v, key usage %b, key ID %x", c.Subject, c.SignatureAlgorithm, c.KeyUsage, c.SubjectKeyId)
		}
		var ids []string
		for _, e := range c.Extensions {
			ids = append(ids, e.Id.String())
		}
		want := []string{"2.5.29.15", "2.5.29.19", "2.5.29.14"}
		if c == crt {
			want = append(want, "2.5.29.35")
		}
		if d := cmp.Diff(want, ids); d != "" {
			t.Errorf("extensions of %s (-want +got):\n%s", c.Subject, d)
		}
	}
	if root.MaxPathLen != 1 || crt.MaxPathLen != 0 || !crt.MaxPathLenZero || !bytes.Equal(crt.AuthorityKeyId, root.SubjectKeyId) {
		t.Errorf("path lengths %d and %d, authority key ID %x", root.MaxPathLen, crt.MaxPathLen, crt.AuthorityKeyId)
	}
	if got := peer(t, "openssl", "verify", "-x509_strict", "-attime", "1795300000", "-CAfile", rootFile, crtFile); !strings.HasSuffix(got, "OK\n") {
		t.Errorf("openssl verify says %s", got)
	}
	if got := peer(t, "openssl", "pkey", "-in", keyFile, "-passin", "pass:pass1", "-pubout"); got != peer(t, "openssl", "x509", "-in", crtFile, "-noout", "-pubkey") {
		t.Errorf("openssl finds the public key %s", got)
	}
}

// peer runs a program that has to be there in CI.
func peer(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// checkJWK opens the encrypted key and compares it with the public one.
func checkJWK(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var p struct {
		Key          json.RawMessage
		EncryptedKey string
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	pub, err := jose.ParseJWK(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.DecryptJWK(p.EncryptedKey, []byte("pass1"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := jose.Thumbprint(key)
	if err != nil {
		t.Fatal(err)
	}
	if !pub.IsPublic() || pub.KeyID != id || key.KeyID != id || pub.Use != "sig" || pub.Algorithm != "ES256" {
		t.Errorf("public key %s, thumbprint %s of the private one", p.Key, id)
	}
}

func TestInitSSH(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.SSH, o.ACME = true, true
	if _, err := pki.Init(o); err != nil {
		t.Fatal(err)
	}
	dir := o.Path.Dir()
	want := []string{
		"-rwx------ certs/", "-rw------- certs/intermediate_ca.crt", "-rw------- certs/root_ca.crt",
		"-rw------- certs/ssh_host_ca_key.pub", "-rw------- certs/ssh_user_ca_key.pub",
		"-rwx------ config/", "-rw-r--r-- config/ca.json", "-rw-r--r-- config/defaults.json", "-rwx------ db/",
		"-rwx------ secrets/", "-rw------- secrets/intermediate_ca_key", "-rw------- secrets/root_ca_key",
		"-rw------- secrets/ssh_host_ca_key", "-rw------- secrets/ssh_user_ca_key",
		"-rwx------ templates/", "-rwx------ templates/ssh/", "-rw-r--r-- templates/ssh/ca.tpl", "-rw-r--r-- templates/ssh/config.tpl",
		"-rw-r--r-- templates/ssh/known_hosts.tpl", "-rw-r--r-- templates/ssh/sshd_config.tpl",
		"-rw-r--r-- templates/ssh/step_config.tpl", "-rw-r--r-- templates/ssh/step_includes.tpl",
	}
	if d := cmp.Diff(want, tree(t, dir)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	checkSSHKey(t, dir, "ssh_user_ca_key")
	checkSSHKey(t, dir, "ssh_host_ca_key")

	// The file is that of the reference but for the keys, the engine and the
	// ACME provisioner.
	got, err := os.ReadFile(o.Path.CAConfig())
	if err != nil {
		t.Fatal(err)
	}
	ref, err := os.ReadFile(filepath.Join("..", "testdata", "init-ssh.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	r, err := config.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	var jwk, refJWK map[string]any
	for raw, p := range map[*json.RawMessage]*map[string]any{&c.Authority.Provisioners[0]: &jwk, &r.Authority.Provisioners[0]: &refJWK} {
		if err := json.Unmarshal(*raw, p); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer(dir, "/home/u/.step", jwk["encryptedKey"].(string), refJWK["encryptedKey"].(string), `"pebble"`, `"badgerv2"`,
		"\t\t\t{\n\t\t\t\t\"type\": \"ACME\",\n\t\t\t\t\"name\": \"acme\"\n\t\t\t},\n", "").Replace(string(got))
	for _, member := range []string{"kid", "x", "y"} {
		text = strings.Replace(text, jwk["key"].(map[string]any)[member].(string), refJWK["key"].(map[string]any)[member].(string), 1)
	}
	if d := cmp.Diff(string(ref), text); d != "" {
		t.Errorf("ca.json (-reference +ours):\n%s", d)
	}
}

func checkSSHKey(t *testing.T, dir, name string) {
	t.Helper()
	line, err := os.ReadFile(filepath.Join(dir, "certs", name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	pub, comment, _, rest, err := ssh.ParseAuthorizedKey(line)
	if err != nil || comment != "" || len(rest) > 0 {
		t.Fatalf("%s: %q, %v", line, comment, err)
	}
	key, err := keyfile.LoadSigner(filepath.Join(dir, "secrets", name), keyfile.FixedPassword([]byte("pass1")))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(signer.PublicKey().Marshal(), pub.Marshal()) {
		t.Errorf("%s: the public key is another one", name)
	}
}
