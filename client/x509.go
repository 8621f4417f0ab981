package client

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"

	"stepca/api"
)

// errNoCertificate reports a successful answer that lacks its purpose.
var errNoCertificate = errors.New("the certificate authority answered without a certificate")

// Sign asks for a certificate.
func (c *Client) Sign(ctx context.Context, req *api.SignRequest) (*api.SignResponse, error) {
	return c.issue(ctx, api.PathSign, nil, req)
}

// Renew asks for a certificate like Config.Certificate with a new validity. An
// expired one does not get through the TLS handshake; use RenewWithToken.
func (c *Client) Renew(ctx context.Context) (*api.SignResponse, error) {
	return c.issue(ctx, api.PathRenew, nil, nil)
}

// RenewWithToken is Renew authenticated with a token of RenewToken instead of a
// client certificate.
func (c *Client) RenewWithToken(ctx context.Context, token string) (*api.SignResponse, error) {
	header := http.Header{"Authorization": {"Bearer " + token}}
	return c.issue(ctx, api.PathRenew, header, nil)
}

// Rekey asks for a certificate like Config.Certificate with a new validity and
// the public key of csr.
func (c *Client) Rekey(ctx context.Context, csr *x509.CertificateRequest) (*api.SignResponse, error) {
	return c.issue(ctx, api.PathRekey, nil, &api.RekeyRequest{CSR: api.CSRPEM{CertificateRequest: csr}})
}

// issue calls one of the routes that answer with a certificate, and completes
// the chain that very old servers leave out.
func (c *Client) issue(ctx context.Context, path string, header http.Header, body any) (*api.SignResponse, error) {
	answer, err := call[api.SignResponse](ctx, c, http.MethodPost, path, header, body)
	if err != nil {
		return nil, err
	}
	if len(answer.CertChain) == 0 {
		answer.CertChain = api.CertPEMs(api.Certificates([]api.CertPEM{answer.Certificate, answer.Issuer}))
	}
	if len(api.Certificates(answer.CertChain)) == 0 {
		return nil, errNoCertificate
	}
	return answer, nil
}

// Revoke revokes a certificate, authenticated with the token in req or with
// Config.Certificate.
func (c *Client) Revoke(ctx context.Context, req *api.RevokeRequest) error {
	_, err := post[api.RevokeResponse](ctx, c, api.PathRevoke, req)
	return err
}
