package apiserver

import (
	"crypto/x509"
	"log/slog"

	"stepca/api"
	"stepca/ca"
	"stepca/issue"
)

// sign is POST /sign: a CSR and a provisioner's one-time token give a certificate.
func (s *Server) sign(x *exchange) error {
	var body api.SignRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	csr, err := checkedCSR(body.CSR)
	if err != nil {
		return err
	}
	if body.Token == "" {
		return ca.Errorf(ca.ErrMalformed, "missing ott")
	}
	x.note(slog.Any("ott", loggedToken(body.Token)))
	crt, err := s.cfg.Issuer.X509(x.r.Context(), &ca.Request{
		Operation: ca.SignX509,
		ID:        x.requestID,
		CSR:       csr,
		NotBefore: body.NotBefore,
		NotAfter:  body.NotAfter,
		UserData:  body.TemplateData,
		Token:     body.Token,
	}, s.cfg.Provisioners.X509)
	if err != nil {
		return err
	}
	return s.replyCertificate(x, crt)
}

// checkedCSR returns the request of a body, its self-signature verified.
func checkedCSR(csr api.CSRPEM) (*x509.CertificateRequest, error) {
	if csr.CertificateRequest == nil {
		return nil, ca.Errorf(ca.ErrMalformed, "missing csr")
	}
	if err := issue.CheckSelfSignature(csr.CertificateRequest); err != nil {
		return nil, &ca.Error{Kind: ca.ErrBadCSR, Detail: "invalid csr", Cause: err}
	}
	return csr.CertificateRequest, nil
}
