package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
)

// tlsConfig is what the HTTPS listener speaks. Client certificates are verified
// if they are given; routes decide whether they need one.
func (a *authority) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{
		GetCertificate: a.own.get,
		ClientAuth:     tls.VerifyClientCertIfGiven,
		ClientCAs:      pool(slices.Concat(a.roots, a.intermediates())),
		NextProtos:     []string{"http/1.1"},
	}
	if err := a.cfg.TLS.Apply(cfg); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if a.cfg.TLS.HTTP2() {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	return cfg, nil
}

// intermediates returns the chains of all issuers.
func (a *authority) intermediates() []*x509.Certificate {
	var all []*x509.Certificate
	for _, is := range a.issuer.Authorities() {
		all = append(all, is.Chain...)
	}
	return all
}

func pool(certs []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, crt := range certs {
		p.AddCert(crt)
	}
	return p
}
