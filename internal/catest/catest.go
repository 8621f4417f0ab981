// Package catest runs a CA on loopback for tests, in one call. It is the real
// server with a real configuration file; only the keys are not encrypted, and
// the database lives in memory unless a test asks for another.
package catest

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

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

// writePKI makes a root and an intermediate with unencrypted keys.
func (c *CA) writePKI(opts Options) {
	c.t.Helper()
	now := time.Now()
	template := func(cn string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: cn},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLen: 1,
		}
	}
	rootKey, key := c.newKey(), c.newKey()
	rootTemplate, tmpl := template("Test Root CA"), template("Test Intermediate CA")
	tmpl.MaxPathLen, tmpl.MaxPathLenZero = 0, true
	if opts.Intermediate != nil {
		opts.Intermediate(tmpl)
	}
	c.Root = c.certificate(rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	intermediate := c.certificate(tmpl, c.Root, key.Public(), rootKey)
	c.Fingerprint = ca.Fingerprint(c.Root)
	c.write("root_ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Root.Raw}))
	c.write("root_ca_key", c.keyPEM(rootKey))
	c.write("intermediate_ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: intermediate.Raw}))
	c.write("intermediate_ca_key", c.keyPEM(key))
}

func (c *CA) newKey() *ecdsa.PrivateKey {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

func (c *CA) keyPEM(key *ecdsa.PrivateKey) []byte {
	c.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (c *CA) certificate(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	c.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		c.t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return crt
}

// provisionerKey is made once, and encrypted so that it is opened at once: with the
// iterations of a real one, tests of the command line would do little else.
var provisionerKey = sync.OnceValues(func() (key *provisionerKeyPair, err error) {
	key = new(provisionerKeyPair)
	if key.jwk, err = jose.GenerateJWK(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(key.jwk)
	if err != nil {
		return nil, err
	}
	const iterations = 1000
	enc, err := gojose.NewEncrypter(gojose.A256GCM,
		gojose.Recipient{Algorithm: gojose.PBES2_HS256_A128KW, Key: []byte(Password), PBES2Count: iterations},
		new(gojose.EncrypterOptions).WithContentType("jwk+json"))
	if err != nil {
		return nil, err
	}
	jwe, err := enc.Encrypt(text)
	if err != nil {
		return nil, err
	}
	key.encrypted, err = jwe.CompactSerialize()
	return key, err
})

type provisionerKeyPair struct {
	jwk       *jose.JWK
	encrypted string
}

func (c *CA) writeConfig(opts Options) {
	c.t.Helper()
	pair, err := provisionerKey()
	if err != nil {
		c.t.Fatal(err)
	}
	c.Key = pair.jwk
	cfg := map[string]any{
		"root": c.RootFile, "crt": filepath.Join(c.Dir, "intermediate_ca.crt"), "key": filepath.Join(c.Dir, "intermediate_ca_key"),
		"address": "127.0.0.1:0", "dnsNames": []any{"localhost", "127.0.0.1"},
		"db": map[string]any{"type": "memory"},
		"authority": map[string]any{"provisioners": []any{map[string]any{
			"type": "JWK", "name": "admin", "key": pair.jwk.Public(), "encryptedKey": pair.encrypted,
		}}},
	}
	if opts.SSH {
		c.addSSH(cfg)
	}
	if opts.Edit != nil {
		opts.Edit(cfg)
	}
	c.WriteConfig(cfg)
}

// WriteConfig replaces ca.json; Server.Reload takes it into use.
func (c *CA) WriteConfig(cfg map[string]any) {
	c.t.Helper()
	data, err := json.MarshalIndent(cfg, "", "\t")
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("ca.json", data)
}

// ReadConfig returns ca.json for a test to change.
func (c *CA) ReadConfig() map[string]any {
	c.t.Helper()
	data, err := os.ReadFile(c.ConfigFile)
	if err != nil {
		c.t.Fatal(err)
	}
	cfg := map[string]any{}
	if err := json.Unmarshal(data, &cfg); err != nil {
		c.t.Fatal(err)
	}
	return cfg
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

// Token returns a one-time token of the provisioner "admin" for /sign; extra
// claims replace the usual ones.
func (c *CA) Token(subject string, sans []string, extra map[string]any) string {
	c.t.Helper()
	return c.tokenFor("/1.0/sign", subject, sans, extra)
}

// RevokeToken returns a token to revoke a serial number (decimal).
func (c *CA) RevokeToken(serial string) string {
	c.t.Helper()
	return c.tokenFor("/1.0/revoke", serial, nil, nil)
}

func (c *CA) tokenFor(path, subject string, sans []string, extra map[string]any) string {
	c.t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": cmp.Or(c.provisioner, "admin"), "aud": c.URL + path, "sub": subject, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "sha": c.Fingerprint,
	}
	if sans != nil {
		claims["sans"] = sans
	}
	for k, v := range extra {
		claims[k] = v
	}
	token, err := jose.SignClaims(claims, c.Key, jose.SignOptions{Type: "JWT", KeyID: c.Key.KeyID})
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}

// CSR makes a key and a certification request for it.
func (c *CA) CSR(tmpl x509.CertificateRequest) (*ecdsa.PrivateKey, string) {
	c.t.Helper()
	key := c.newKey()
	der, err := x509.CreateCertificateRequest(rand.Reader, &tmpl, key)
	if err != nil {
		c.t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// HTTP returns a client that trusts the root and presents crt, if it is not nil.
func (c *CA) HTTP(crt *tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(c.Root)
	cfg := &tls.Config{RootCAs: pool}
	if crt != nil {
		cfg.Certificates = []tls.Certificate{*crt}
	}
	tr := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
	c.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: time.Minute}
}

// Post sends a JSON body and returns status and body of the answer.
func (c *CA) Post(hc *http.Client, path string, body any) (int, []byte) {
	c.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := hc.Post(c.URL+path, "application/json", bytes.NewReader(data))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.read(resp)
}

// Get returns status and body of a page.
func (c *CA) Get(hc *http.Client, path string) (int, []byte) {
	c.t.Helper()
	resp, err := hc.Get(c.URL + path)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.read(resp)
}

func (c *CA) read(resp *http.Response) (int, []byte) {
	c.t.Helper()
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, b.Bytes()
}

// Issue gets a certificate for names over HTTP, as a TLS certificate.
func (c *CA) Issue(names ...string) *tls.Certificate {
	c.t.Helper()
	key, csr := c.CSR(x509.CertificateRequest{})
	status, body := c.Post(c.HTTP(nil), "/1.0/sign", map[string]any{"csr": csr, "ott": c.Token(names[0], names, nil)})
	if status != http.StatusCreated {
		c.t.Fatalf("POST /1.0/sign: %d %s", status, body)
	}
	crt, err := ParseSigned(body)
	if err != nil {
		c.t.Fatal(err)
	}
	crt.PrivateKey = key
	return crt
}

// ParseSigned returns the chain in the answer of /sign, /renew or /rekey.
func ParseSigned(body []byte) (*tls.Certificate, error) {
	var resp struct {
		CertChain []string `json:"certChain"`
	}
	if err := json.Unmarshal(body, &resp); err != nil {
		return nil, err
	}
	crt := new(tls.Certificate)
	for _, text := range resp.CertChain {
		block, _ := pem.Decode([]byte(text))
		crt.Certificate = append(crt.Certificate, block.Bytes)
	}
	var err error
	crt.Leaf, err = x509.ParseCertificate(crt.Certificate[0])
	return crt, err
}
