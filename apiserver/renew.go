package apiserver

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"strings"

	"stepca/api"
	"stepca/ca"
)

// renew is POST /renew: the certificate of the connection, or of a bearer token,
// is issued again with the same key.
func (s *Server) renew(x *exchange) error {
	req := &ca.Request{Operation: ca.RenewX509, ID: x.requestID, Peer: peer(x.r)}
	if req.Peer == nil {
		token, ok := bearerToken(x.r)
		if !ok {
			return ca.Errorf(ca.ErrMalformed, "missing client certificate")
		}
		req.Token = token
		x.note(slog.Any("ott", loggedToken(token)))
	}
	return s.issueAgain(x, req)
}

// rekey is POST /rekey: the certificate of the connection is issued again for
// the key of a CSR.
func (s *Server) rekey(x *exchange) error {
	req := &ca.Request{Operation: ca.RekeyX509, ID: x.requestID, Peer: peer(x.r)}
	if req.Peer == nil {
		return ca.Errorf(ca.ErrMalformed, "missing client certificate")
	}
	var body api.RekeyRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	csr, err := checkedCSR(body.CSR)
	if err != nil {
		return err
	}
	req.CSR = csr
	return s.issueAgain(x, req)
}

func (s *Server) issueAgain(x *exchange, req *ca.Request) error {
	crt, err := s.cfg.Issuer.X509(x.r.Context(), req, func(ctx context.Context, req *ca.Request) (*ca.Grant, error) {
		return s.cfg.Provisioners.Renew(ctx, req, s.cfg.Records)
	})
	if err != nil {
		return err
	}
	return s.replyCertificate(x, crt)
}

// peer returns the verified client certificate of the connection, or nil.
func peer(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// bearerToken returns the token of the Authorization header (RFC 6750 §2.1).
func bearerToken(r *http.Request) (string, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token, ok && token != ""
}
