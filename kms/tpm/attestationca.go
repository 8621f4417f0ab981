package tpm

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stepca/keyfile"
	"stepca/kms"
)

const (
	// attestationTimeout bounds one request to an attestation CA.
	attestationTimeout = 30 * time.Second

	// maxAttestationAnswer bounds its answer, in bytes.
	maxAttestationAnswer = 1 << 20

	// defaultRenewal is after how many percent of its validity the certificate of
	// an attestation key is renewed.
	defaultRenewal = 60
)

// An attestationCA issues certificates for attestation keys over HTTP. Its
// protocol has two requests, with JSON in both directions:
//
//	POST {base}/attest  who the TPM is, and how the attestation key was made;
//	                    the answer has a secret that only this TPM can decrypt,
//	                    and only for this attestation key (TPM2_MakeCredential)
//	POST {base}/secret  the secret; the answer has the chain
type attestationCA struct {
	base      string
	rootFile  string // PEM; "" is what the system trusts
	insecure  bool   // no verification of the server
	renewal   int    // percent of the validity
	userAgent string
}

// newAttestationCA returns the attestation CA that a URI names, nil if none.
func newAttestationCA(uri *kms.URI) (*attestationCA, error) {
	base := uri.Get("attestation-ca-url")
	if base == "" {
		return nil, nil
	}
	c := &attestationCA{
		base:      strings.TrimSuffix(base, "/"),
		rootFile:  uri.Get("attestation-ca-root"),
		insecure:  uri.Bool("attestation-ca-insecure"),
		userAgent: "step-tpm",
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s: attestation-ca-url is an https URL", uri)
	}
	if c.renewal, err = percentage(uri, "renewal-percentage", defaultRenewal); err != nil {
		return nil, err
	}
	if uri.Bool("disable-early-renewal") {
		c.renewal = 100
	}
	return c, nil
}

// due reports whether a certificate has to be renewed.
func (c *attestationCA) due(crt *x509.Certificate, now time.Time) bool {
	validity := crt.NotAfter.Sub(crt.NotBefore)
	return !now.Before(crt.NotBefore.Add(validity / 100 * time.Duration(c.renewal)))
}

// An attestRequest says who asks. Byte strings are in base64.
type attestRequest struct {
	TPMInfo tpmInfo      `json:"tpmInfo"`
	EK      []byte       `json:"ek"`      // SubjectPublicKeyInfo
	EKCerts [][]byte     `json:"ekCerts"` // DER
	AKCert  []byte       `json:"akCert,omitempty"`
	Params  attestParams `json:"params"`
}

type tpmInfo struct {
	Version         int    `json:"version"` // 2
	Manufacturer    string `json:"manufacturer"`
	Model           string `json:"model"`
	FirmwareVersion string `json:"firmwareVersion"`
}

// attestParams describe the attestation key and prove how it was made.
type attestParams struct {
	Public                  []byte `json:"public"`                  // TPMT_PUBLIC
	UseTCSDActivationFormat bool   `json:"useTCSDActivationFormat"` // for TPM 1.2: false
	CreateData              []byte `json:"createData"`              // TPMS_CREATION_DATA
	CreateAttestation       []byte `json:"createAttestation"`       // TPMS_ATTEST
	CreateSignature         []byte `json:"createSignature"`         // TPMT_SIGNATURE
}

// An attestResponse has a secret for the TPM, encrypted.
type attestResponse struct {
	Credential []byte `json:"credential"` // TPM2B_ID_OBJECT
	Secret     []byte `json:"secret"`     // TPM2B_ENCRYPTED_SECRET
}

// A secretRequest has the secret, decrypted.
type secretRequest struct {
	Secret []byte `json:"secret"`
}

// A secretResponse has the certificate of the attestation key.
type secretResponse struct {
	Chain [][]byte `json:"chain"` // DER, leaf first
}

// client returns an HTTP client for the attestation CA.
func (c *attestationCA) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.insecure}
	if c.rootFile != "" {
		roots, err := keyfile.LoadCertificates(c.rootFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		for _, root := range roots {
			config.RootCAs.AddCert(root)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	refuse := func(*http.Request, []*http.Request) error { return errors.New("an attestation CA does not redirect") }
	return &http.Client{Transport: transport, Timeout: attestationTimeout, CheckRedirect: refuse}, nil
}

// post sends a request and decodes the answer.
func (c *attestationCA) post(ctx context.Context, client *http.Client, path string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAttestationAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s%s", req.URL, resp.Status, reason(resp.Header, data))
	}
	if err := json.Unmarshal(data, response); err != nil {
		return fmt.Errorf("%s answered something else than it should: %w", req.URL, err)
	}
	return nil
}

// reason is what a refusal says, if it is short text or JSON.
func reason(header http.Header, body []byte) string {
	typ, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	const longest = 200
	if body = bytes.TrimSpace(body); len(body) == 0 || len(body) > longest || typ != "text/plain" && !strings.HasSuffix(typ, "json") {
		return ""
	}
	return fmt.Sprintf(": %q", body)
}
