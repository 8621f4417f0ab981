package catest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"time"
)

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
