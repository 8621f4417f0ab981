package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/crypto/acme"

	"stepca/internal/catest"
	"stepca/server"
)

// addACME adds an ACME provisioner to a configuration.
func addACME(cfg map[string]any) {
	authority := cfg["authority"].(map[string]any)
	authority["provisioners"] = append(authority["provisioners"].([]any), map[string]any{"type": "ACME", "name": "acme"})
}

// TestACMEOverTheNetwork has a certificate for an address of this machine issued,
// by http-01 as it is.
func TestACMEOverTheNetwork(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	files := map[string]string{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Write([]byte(files[r.URL.Path]))
	}))
	t.Cleanup(web.Close)
	port := web.Listener.Addr().(*net.TCPAddr).Port
	c := catest.New(t, catest.Options{Edit: addACME, ACME: server.ACMEOptions{HTTPPort: port}})

	key := ecdsaKey(t)
	cl := &acme.Client{Key: key, HTTPClient: c.HTTP(nil), DirectoryURL: c.URL + "/acme/acme/directory"}
	ctx := t.Context()
	if _, err := cl.Register(ctx, new(acme.Account), acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	order, err := cl.AuthorizeOrder(ctx, acme.IPIDs("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	authz, err := cl.GetAuthorization(ctx, order.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	challenge := authz.Challenges[0]
	response, err := cl.HTTP01ChallengeResponse(challenge.Token)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	files[cl.HTTP01ChallengePath(challenge.Token)] = response
	mu.Unlock()
	if _, err := cl.Accept(ctx, challenge); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitOrder(ctx, order.URI); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, ecdsaKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if chain, _, err := cl.CreateOrderCert(ctx, order.FinalizeURL, der, true); err != nil || len(chain) != 2 {
		t.Errorf("CreateOrderCert: %d certificates, %v", len(chain), err)
	}
}

// TestACMEThroughAProxy has a name validated that only a proxy knows.
func TestACMEThroughAProxy(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var response, asked string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = r.URL.String()
		w.Write([]byte(response))
	}))
	t.Cleanup(web.Close)
	proxy, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := catest.New(t, catest.Options{Edit: addACME, ACME: server.ACMEOptions{HTTPProxy: proxy}})
	cl := &acme.Client{Key: ecdsaKey(t), HTTPClient: c.HTTP(nil), DirectoryURL: c.URL + "/acme/acme/directory"}
	ctx := t.Context()
	if _, err := cl.Register(ctx, new(acme.Account), acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	order, err := cl.AuthorizeOrder(ctx, acme.DomainIDs("far.test"))
	if err != nil {
		t.Fatal(err)
	}
	authz, err := cl.GetAuthorization(ctx, order.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(authz.Challenges, func(ch *acme.Challenge) bool { return ch.Type == "http-01" })
	challenge := authz.Challenges[i]
	mu.Lock()
	if response, err = cl.HTTP01ChallengeResponse(challenge.Token); err != nil {
		t.Fatal(err)
	}
	mu.Unlock()
	if _, err := cl.Accept(ctx, challenge); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitOrder(ctx, order.URI); err != nil {
		t.Fatal(err)
	}
	if want := "http://far.test" + cl.HTTP01ChallengePath(challenge.Token); asked != want {
		t.Errorf("the proxy was asked for %q, want %q", asked, want)
	}
}

// TestProxyOfTheEnvironment is not used by validation, and the log says so.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := catest.New(t, catest.Options{
		Edit: addACME, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Getenv: func(name string) string {
			return map[string]string{"HTTP_PROXY": "http://proxy.example.com:3128"}[name]
		},
	})
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if want := "--acme-http-proxy"; !strings.Contains(log.String(), want) {
		t.Errorf("log %q, want %q in it", log.String(), want)
	}
}

func ecdsaKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestACMENeedsADatabase(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := catest.New(t, catest.Options{
		Edit: func(cfg map[string]any) {
			addACME(cfg)
			delete(cfg, "db")
		},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if status, body := c.Get(c.HTTP(nil), "/acme/acme/directory"); status != http.StatusNotFound {
		t.Errorf("GET directory: %d %s, want 404", status, body)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if want := "WARNING: No database is configured. ACME provisioners are disabled."; !strings.Contains(log.String(), want) {
		t.Errorf("log %q, want %q in it", log.String(), want)
	}
}

func TestReloadAddsAnACMEProvisioner(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{})
	if status, body := c.Get(c.HTTP(nil), "/acme/acme/directory"); status != http.StatusNotFound {
		t.Errorf("GET directory: %d %s, want 404", status, body)
	}
	cfg := c.ReadConfig()
	addACME(cfg)
	c.WriteConfig(cfg)
	if err := c.Server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := c.Get(c.HTTP(nil), "/acme/acme/directory"); status != http.StatusOK {
		t.Errorf("GET directory after a reload: %d %s, want 200", status, body)
	}
}

// TestACMEAndroidStatus has a device attested whose key is on the list.
func TestACMEAndroidStatus(t *testing.T) {
	t.Parallel()
	key := ecdsaKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(0x5cb838f1fe157a85), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	object, err := cbor.Marshal(map[string]any{"fmt": "android-key", "attStmt": map[string]any{"x5c": []any{der}, "sig": []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "status.json")
	if err := os.WriteFile(list, []byte(`{"entries":{"6681152659205225093":{"status":"REVOKED"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := catest.New(t, catest.Options{ACME: server.ACMEOptions{AndroidStatusFile: list}, Edit: func(cfg map[string]any) {
		addACME(cfg)
		provisioners := cfg["authority"].(map[string]any)["provisioners"].([]any)
		p := provisioners[len(provisioners)-1].(map[string]any)
		p["challenges"], p["attestationFormats"] = []string{"device-attest-01"}, []string{"android-key"}
	}})
	cl := &acme.Client{Key: ecdsaKey(t), HTTPClient: c.HTTP(nil), DirectoryURL: c.URL + "/acme/acme/directory"}
	ctx := t.Context()
	if _, err := cl.Register(ctx, new(acme.Account), acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	order, err := cl.AuthorizeOrder(ctx, []acme.AuthzID{{Type: "permanent-identifier", Value: "PIXEL1"}})
	if err != nil {
		t.Fatal(err)
	}
	authz, err := cl.GetAuthorization(ctx, order.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	challenge := authz.Challenges[0]
	if challenge.Payload, err = json.Marshal(map[string]string{"attObj": base64.RawURLEncoding.EncodeToString(object)}); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Accept(ctx, challenge); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitAuthorization(ctx, authz.URI); err == nil || !strings.Contains(err.Error(), "revoked certificate") {
		t.Errorf("WaitAuthorization: %v, want the certificate to be revoked", err)
	}
}
