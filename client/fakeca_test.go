package client_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/client"
	"stepca/jose"
)

// A fakeCA answers like a CA with one JWK provisioner and checks nothing but
// what the tests look at. It is there to see what clients send; the real server
// is tested elsewhere.
type fakeCA struct {
	*httptest.Server
	root, issuer *x509.Certificate
	rootKey, key crypto.Signer
	provisioner  *jose.JWK
	validity     time.Duration // of what it issues
	calls        []string      // method and path of each request
	mu           sync.Mutex    // guards calls
	handlers     *http.ServeMux
}

func newFakeCA(t *testing.T) *fakeCA {
	t.Helper()
	f := &fakeCA{validity: time.Hour, handlers: http.NewServeMux()}
	f.rootKey, f.key = newKey(t), newKey(t)
	f.root = f.certify(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Test Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(24 * time.Hour),
	}, nil, f.rootKey.Public(), f.rootKey)
	f.issuer = f.certify(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Test Intermediate"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(24 * time.Hour),
	}, f.root, f.key.Public(), f.rootKey)
	var err error
	if f.provisioner, err = jose.GenerateJWK(); err != nil {
		t.Fatal(err)
	}
	f.routes(t)
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	serverKey := newKey(t)
	leaf := f.certify(t, leafTemplate("localhost", time.Hour), f.issuer, serverKey.Public(), f.key)
	clients := x509.NewCertPool()
	clients.AddCert(f.root)
	f.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw, f.issuer.Raw}, PrivateKey: serverKey}},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    clients,
	}
	f.EnableHTTP2 = true
	f.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are part of the tests
	f.StartTLS()
	t.Cleanup(f.Close)
	return f
}

func leafTemplate(name string, validity time.Duration) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotAfter:    time.Now().Add(validity),
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify signs a certificate; a nil parent makes it self-signed.
func (f *fakeCA) certify(t *testing.T, template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template.SerialNumber = ca.NewSerialNumber()
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Minute)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return crt
}

func (f *fakeCA) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+r.URL.RequestURI())
	f.mu.Unlock()
	w.Header().Set(api.HeaderRequestID, r.Header.Get(api.HeaderRequestID))
	f.handlers.ServeHTTP(w, r)
}

// took returns the calls so far and forgets them.
func (f *fakeCA) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := strings.Join(f.calls, ", ")
	f.calls = nil
	return calls
}

func (f *fakeCA) routes(t *testing.T) {
	f.handlers.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, api.Health{Status: "ok"}) })
	f.handlers.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, api.Version{Version: "1.2.3"}) })
	f.handlers.HandleFunc("GET /roots", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 201, api.CertificateList{Certificates: api.CertPEMs([]*x509.Certificate{f.root})})
	})
	f.handlers.HandleFunc("GET /root/{sha}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("sha") == strings.Repeat("e", 64) { // a CA that lies
			answer(w, 200, api.Root{Root: api.CertPEM{Certificate: f.root}})
			return
		}
		if r.PathValue("sha") != client.Fingerprint(f.root) {
			refuse(w, 404, "root certificate with fingerprint \""+r.PathValue("sha")+"\" was not found")
			return
		}
		answer(w, 200, api.Root{Root: api.CertPEM{Certificate: f.root}})
	})
	f.handlers.HandleFunc("GET /provisioners", func(w http.ResponseWriter, r *http.Request) {
		page := api.Provisioners{Provisioners: []json.RawMessage{json.RawMessage(`{"type":"ACME","name":"acme"}`)}, NextCursor: "14"}
		if r.FormValue("cursor") != "" {
			page = api.Provisioners{Provisioners: []json.RawMessage{json.RawMessage(`{"type":"JWK","name":"admin","key":{"kid":"` + f.provisioner.KeyID + `"}}`)}}
		}
		answer(w, 200, page)
	})
	f.handlers.HandleFunc("GET /provisioners/{kid}/encrypted-key", func(w http.ResponseWriter, r *http.Request) {
		jwe, err := jose.EncryptJWK(f.provisioner, []byte("password"))
		if err != nil {
			t.Error(err)
			return
		}
		key, err := jwe.CompactSerialize()
		if err != nil {
			t.Error(err)
		}
		answer(w, 200, api.EncryptedKey{Key: key})
	})
	f.handlers.HandleFunc("POST /sign", func(w http.ResponseWriter, r *http.Request) {
		var req api.SignRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil || req.CSR.CheckSignature() != nil {
			refuse(w, 400, "bad request")
			return
		}
		jws, err := jose.ParseCompact(req.Token)
		var claims client.TokenClaims
		if err != nil || jws.VerifiedClaims(f.provisioner, &claims) != nil {
			refuse(w, 401, "bad token")
			return
		}
		template := leafTemplate(claims.Subject, f.validity)
		f.issue(t, w, template, req.CSR.PublicKey)
	})
	f.handlers.HandleFunc("POST /renew", func(w http.ResponseWriter, r *http.Request) {
		old := f.presented(r)
		if old == nil {
			refuse(w, 401, "missing client certificate")
			return
		}
		f.issue(t, w, leafTemplate(old.Subject.CommonName, f.validity), old.PublicKey)
	})
}

// presented returns the certificate that a request is authenticated with.
func (f *fakeCA) presented(r *http.Request) *x509.Certificate {
	if len(r.TLS.PeerCertificates) > 0 {
		return r.TLS.PeerCertificates[0]
	}
	jws, err := jose.ParseCompact(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		return nil
	}
	chain, err := jws.Header.InsecureCertificates()
	if err != nil || len(chain) == 0 {
		return nil
	}
	var claims jose.Claims
	if jws.VerifiedClaims(chain[0].PublicKey, &claims) != nil || !claims.Audience.Contains(f.URL+"/renew") {
		return nil
	}
	return chain[0]
}

func (f *fakeCA) issue(t *testing.T, w http.ResponseWriter, template *x509.Certificate, pub crypto.PublicKey) {
	leaf := f.certify(t, template, f.issuer, pub, f.key)
	chain := api.CertPEMs([]*x509.Certificate{leaf, f.issuer})
	answer(w, 201, api.SignResponse{Certificate: chain[0], Issuer: chain[1], CertChain: chain, TLSOptions: &api.TLSOptions{
		CipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}, MinVersion: 1.2, MaxVersion: 1.3,
	}})
}

// token returns a token for the subject, minted as a provisioner does.
func (f *fakeCA) token(t *testing.T, subject string) string {
	t.Helper()
	signer := &client.TokenSigner{
		Provisioner: "admin", Key: f.provisioner, Audience: f.URL + api.Prefix, RootFingerprint: client.Fingerprint(f.root),
	}
	token, err := signer.Token(client.TokenOptions{Route: api.PathSign, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, &api.Error{Status: status, Message: message})
}
