package apiserver

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"stepca/api"
	"stepca/ca"
)

// version is GET /version.
func (s *Server) version(x *exchange) error {
	return x.reply(http.StatusOK, api.Version{Version: cmp.Or(s.cfg.Version, "N/A")})
}

// health is GET /health: the process answers. Whether it can issue is /ready's
// to say.
func (s *Server) health(x *exchange) error {
	return x.reply(http.StatusOK, api.Health{Status: "ok"})
}

// ready is GET /ready: the CA can issue, or why not. A provisioner that could not
// be initialized is told of, but does not make the others unavailable.
func (s *Server) ready(x *exchange) error {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(x.r.Context()); err != nil {
			return &ca.Error{Kind: ca.ErrUnavailable, Detail: "not ready: " + err.Error(), Cause: err}
		}
	}
	resp := api.Ready{Status: "ok"}
	for _, f := range s.cfg.Provisioners.Failures() {
		resp.Degraded = append(resp.Degraded, fmt.Sprintf("provisioner %q is disabled due to an initialization error", f.Provisioner.Name))
	}
	return x.reply(http.StatusOK, resp)
}

// root is GET /root/{sha}: a root or federated root by its fingerprint.
func (s *Server) root(x *exchange) error {
	sum := strings.ToLower(strings.ReplaceAll(x.param, "-", ""))
	crt, ok := s.byFingerprint[sum]
	if !ok {
		return ca.Errorf(ca.ErrNotFound, "root certificate with fingerprint %q was not found", sum)
	}
	return x.reply(http.StatusOK, api.Root{Root: api.CertPEM{Certificate: crt}})
}

// fingerprints indexes certificates by the SHA-256 of their DER in hex.
func fingerprints(certs []*x509.Certificate) map[string]*x509.Certificate {
	m := make(map[string]*x509.Certificate, len(certs))
	for _, crt := range certs {
		m[ca.Fingerprint(crt)] = crt
	}
	return m
}

// list makes the endpoint that answers with certificates as JSON. Clients know
// it by its status 201.
func list(certs []*x509.Certificate) endpoint {
	return func(x *exchange) error {
		return x.reply(http.StatusCreated, api.CertificateList{Certificates: api.CertPEMs(certs)})
	}
}

// bundle makes the endpoint that answers with certificates as PEM.
func bundle(certs []*x509.Certificate) endpoint {
	var body []byte
	for _, crt := range certs {
		body = append(body, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt.Raw})...)
	}
	return func(x *exchange) error {
		return x.replyBytes(http.StatusOK, "application/x-pem-file", body)
	}
}

// provisioners is GET /provisioners: one page of their public configuration.
func (s *Server) provisioners(x *exchange) error {
	limit, err := x.limit(api.DefaultPageSize, api.MaxPageSize)
	if err != nil {
		return err
	}
	page, next := s.cfg.Provisioners.List(x.r.URL.Query().Get("cursor"), limit)
	return x.reply(http.StatusOK, api.Provisioners{Provisioners: page, NextCursor: next})
}

// limit returns the size of the page that is asked for, between one and most;
// standard if none, or none above zero, is.
func (x *exchange) limit(standard, most int) (int, error) {
	text := x.r.URL.Query().Get("limit")
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, ca.Errorf(ca.ErrMalformed, "limit '%s' is not an integer", text)
	case n <= 0:
		return standard, nil
	}
	return min(n, most), nil
}

// encryptedKey is GET /provisioners/{kid}/encrypted-key.
func (s *Server) encryptedKey(x *exchange) error {
	key, ok := s.cfg.Provisioners.EncryptedKey(x.param)
	if !ok {
		return ca.Hidden(ca.ErrNotFound, "encrypted key with kid %s was not found", x.param)
	}
	return x.reply(http.StatusOK, api.EncryptedKey{Key: key})
}
