//go:build unix

package e2e

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/freeport"
	"stepca/jose"
)

// TestByHand serves a CA whose files no program of ours wrote: certificates and
// keys by openssl, the keys encrypted as PEM was before PKCS #8, and a ca.json
// as people have it.
func TestByHand(t *testing.T) {
	t.Parallel()
	openssl := peer(t, "openssl", "openssl")
	home := t.TempDir()
	for _, dir := range []string{"config", "certs", "secrets", "templates"} {
		if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(home, name) }
	const password = "pass word"
	writeFile(t, home, "password.txt", []byte(password+"\n"))
	opensslPKI(t, openssl, home, password)

	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := jose.EncryptJWK(key, []byte("provisioner password"))
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, home, "templates/leaf.tpl", []byte(`{
	"subject": {"commonName": {{ toJson .Subject.CommonName }}, "organizationalUnit": {{ toJson .Insecure.User.team }}},
	"sans": {{ toJson .SANs }},
	"keyUsage": ["digitalSignature"],
	"extKeyUsage": ["serverAuth"]
}`))
	address := freeport.Address(t)
	writeFile(t, home, "config/ca.json", []byte(`{
   "root": "`+in("certs/root_ca.crt")+`",
   "federatedRoots": [],
   "crt": "`+in("certs/intermediate_ca.crt")+`",
   "key": "`+in("secrets/intermediate_ca_key")+`",
   "address": "`+address+`",
   "dnsNames": ["localhost", "127.0.0.1"],
   "logger": {"format": "text"},
   "db": {"type": "badgerv2", "dataSource": "`+in("db")+`", "badgerFileLoadingMode": ""},
   "authority": {
      "claims": {"minTLSCertDuration": "5m", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": "24h"},
      "provisioners": [
         {
            "type": "jwk",
            "name": "ops@example.com",
            "key": `+string(public)+`,
            "encryptedKey": "`+encrypted+`",
            "claims": {"minTLSCertDuration": "720h", "maxTLSCertDuration": "720h", "defaultTLSCertDuration": "720h", "disableRenewal": true},
            "options": {"x509": {"templateFile": "templates/leaf.tpl"}}
         },
         {"type": "ACME", "name": "acme", "forceCN": true}
      ]
   },
   "tls": {
      "cipherSuites": ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
      "minVersion": 1.2, "maxVersion": 1.3, "renegotiation": false
   }
}
`))
	before := files(t, home)
	cmd := exec.Command(caProgram, "--password-file", in("password.txt"))
	cmd.Env = environment(home)
	p := launchWith(t, cmd)
	p.expect("Serving HTTPS on ")

	root := readCertificate(t, in("certs/root_ca.crt"))
	ca := catest.Client(t, "https://"+address, root, "ops@example.com", key)
	keyPEM, csr := ca.CSR(x509.CertificateRequest{})
	status, body := ca.Post(ca.HTTP(nil), "/1.0/sign", map[string]any{
		"csr": csr, "ott": ca.Token("web.example.com", nil, nil), "templateData": map[string]any{"team": "platform"},
	})
	if status != http.StatusCreated {
		t.Fatalf("sign: %d %s", status, body)
	}
	crt, err := catest.ParseSigned(body)
	if err != nil {
		t.Fatal(err)
	}
	crt.PrivateKey = keyPEM
	leaf := crt.Leaf
	if got := leaf.Subject.String(); got != "CN=web.example.com,OU=platform" {
		t.Errorf("subject %s", got)
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("extended key usage %v", leaf.ExtKeyUsage)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life != 720*time.Hour+time.Minute {
		t.Errorf("valid for %v", life)
	}
	for name, sum := range files(t, home) {
		if old, was := before[name]; was && old != sum {
			t.Errorf("%s was changed", name)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkByHand(t, home)
}

// checkByHand: the check command has nothing to object to either.
func checkByHand(t *testing.T, home string) {
	t.Helper()
	cmd := exec.Command(caProgram, "check", "--password-file", filepath.Join(home, "password.txt"))
	cmd.Env = environment(home)
	stdout, stderr, code := run(t, cmd)
	if code != 0 || !strings.Contains(stdout, ": ok, ") {
		t.Errorf("step-ca check: exit code %d\n%s%s", code, stdout, stderr)
	}
}

// opensslPKI makes a root and an intermediate with keys in encrypted legacy PEM.
func opensslPKI(t *testing.T, openssl, home, password string) {
	t.Helper()
	in := func(name string) string { return filepath.Join(home, name) }
	for _, name := range []string{"root_ca_key", "intermediate_ca_key"} {
		must(t, openssl, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", in("secrets/plain"))
		must(t, openssl, "pkey", "-in", in("secrets/plain"), "-traditional", "-aes256", "-passout", "pass:"+password, "-out", in("secrets/"+name))
		data, err := os.ReadFile(in("secrets/" + name))
		if err != nil || !strings.Contains(string(data), "Proc-Type: 4,ENCRYPTED") {
			t.Fatalf("not the encryption of old: %s, %v", data, err)
		}
		if err := os.Remove(in("secrets/plain")); err != nil {
			t.Fatal(err)
		}
	}
	must(t, openssl, "req", "-x509", "-new", "-key", in("secrets/root_ca_key"), "-passin", "pass:"+password, "-days", "3650",
		"-subj", "/O=Hand Made/CN=Hand Made Root", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:1", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", in("certs/root_ca.crt"))
	must(t, openssl, "req", "-new", "-key", in("secrets/intermediate_ca_key"), "-passin", "pass:"+password, "-subj", "/O=Hand Made/CN=Hand Made Intermediate", "-out", in("certs/csr"))
	ext := writeFile(t, home, "ext", []byte("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"))
	must(t, openssl, "x509", "-req", "-in", in("certs/csr"), "-CA", in("certs/root_ca.crt"), "-CAkey", in("secrets/root_ca_key"), "-passin", "pass:"+password,
		"-days", "3650", "-extfile", ext, "-out", in("certs/intermediate_ca.crt"))
}

func readCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatalf("%s holds no PEM", file)
	}
	crt, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return crt
}
