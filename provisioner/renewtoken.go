package provisioner

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"stepca/ca"
	"stepca/jose"
)

// renewIssuer is the issuer of renew tokens that clients make.
const renewIssuer = "step-ca-client/1.0"

// errRenewToken is a fault of a renew token. The requester learns which only
// where it is of help.
func errRenewToken(detail string, cause error) error {
	text := "error validating renew token"
	if detail != "" {
		text += ": " + detail
	}
	return &ca.Error{Kind: ca.ErrUnauthorized, Detail: text, Cause: cause}
}

// renewBearer returns the grant for the renewal of the certificate in a token
// that its key signed. Such a token stands in for the TLS handshake, which an
// expired certificate cannot make.
func (c *Collection) renewBearer(ctx context.Context, raw string, records X509Records) (*ca.Grant, error) {
	token, err := parseToken(raw)
	if err != nil {
		return nil, errRenewToken("", err)
	}
	token.now = c.now()
	token.operations = c.audiences.operations(token.audiences, token.fragment)
	crt, err := c.verifyRenewChain(token)
	if err != nil {
		return nil, errRenewToken("", err)
	}
	if err := token.verifySignature(crt.PublicKey); err != nil {
		return nil, errRenewToken("", err)
	}
	record, err := issuedHere(ctx, crt, records)
	if err != nil {
		return nil, err
	}
	e, err := c.issuedBy(crt, record)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, ca.Hidden(ca.ErrUnauthorized, "certificate names no provisioner, so it is not renewed by a token")
	}
	if err := checkRenewClaims(token, crt, e.ref.Name, record.RA != nil); err != nil {
		return nil, errRenewToken(err.Error(), nil)
	}
	grant, err := e.renew(ctx, crt, record)
	if err != nil {
		return nil, err
	}
	grant.OneTime = token.hashID()
	return grant, nil
}

// verifyRenewChain returns the certificate in a renew token, which leads to our
// roots, for client authentication, at the end of its validity: it may have
// expired since.
func (c *Collection) verifyRenewChain(token *Token) (*x509.Certificate, error) {
	chain, err := token.jws.Header.InsecureCertificates()
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, errors.New("token has no header x5cInsecure")
	}
	if c.roots == nil {
		return nil, errors.New("no roots to verify the token's certificate with")
	}
	crt := chain[0]
	intermediates := x509.NewCertPool()
	for _, intermediate := range chain[1:] {
		intermediates.AddCert(intermediate)
	}
	at := crt.NotAfter.Add(-time.Minute)
	if at.Before(crt.NotBefore) {
		at = crt.NotBefore
	}
	_, err = crt.Verify(x509.VerifyOptions{
		Roots:         c.roots,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("the token's certificate: %w", err)
	case crt.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return nil, errors.New("the token's certificate is not for digital signatures")
	}
	return crt, nil
}

// checkRenewClaims checks the claims of a renew token. Tokens without an end are
// refused, because their IDs could never be forgotten. A registration authority
// passes its clients' tokens on, whose audience it is.
func checkRenewClaims(token *Token, crt *x509.Certificate, provisioner string, viaRA bool) error {
	c := &token.claims
	if c.Subject != crt.Subject.CommonName && crt.Subject.CommonName != "" {
		return jose.ErrSubject
	}
	if err := c.Validate(jose.Expected{Now: token.now, Leeway: jose.Leeway}); err != nil {
		return err
	}
	switch {
	case c.Expiry == nil:
		return errors.New("missing expiry claim (exp)")
	case !viaRA && token.operations&operationSet(ca.RenewX509) == 0:
		return jose.ErrAudience
	case c.Issuer != renewIssuer && c.Issuer != provisioner:
		return jose.ErrIssuer
	}
	return nil
}
