package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"stepca/api"
)

// FetchRoot asks the CA at caURL for the root certificate with the given
// fingerprint (see Config.Fingerprint). The connection is not authenticated; the
// certificate is, by its fingerprint. Of cfg, UserAgent, Timeout and RequestID
// are used.
func FetchRoot(ctx context.Context, caURL, fingerprint string, cfg Config) (*x509.Certificate, error) {
	base, err := ParseURL(caURL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, cfg: Config{UserAgent: cfg.UserAgent, Timeout: cfg.Timeout, RequestID: cfg.RequestID}}
	c.http = c.cfg.httpClient(&tls.Config{InsecureSkipVerify: true}) // Root checks the fingerprint
	defer c.CloseIdleConnections()
	return c.Root(ctx, fingerprint)
}

// Root returns the root certificate with the given SHA-256 fingerprint (see
// Config.Fingerprint), which the CA's roots and federated roots are searched
// for. A certificate with another fingerprint is an error.
func (c *Client) Root(ctx context.Context, fingerprint string) (*x509.Certificate, error) {
	want, err := normalFingerprint(fingerprint)
	if err != nil {
		return nil, err
	}
	answer, err := get[api.Root](ctx, c, api.PathRoot+want)
	if err != nil {
		return nil, err
	}
	if answer.Root.Certificate == nil {
		return nil, errors.New("the certificate authority answered without a root certificate")
	}
	if got := Fingerprint(answer.Root.Certificate); got != want {
		return nil, fmt.Errorf("root certificate fingerprint does not match: asked for %s, got %s", want, got)
	}
	return answer.Root.Certificate, nil
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, crt := range certs {
		p.AddCert(crt)
	}
	return p
}
