package provisioner

import (
	"context"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// X509 returns the grant for a new X.509 certificate, by req.Token. Its Token is
// not spent: whoever records the certificate spends Grant.OneTime with it.
//
// Here and below, errors are of kind ca.ErrUnauthorized unless the evidence is
// good and asks for something it does not allow (ca.ErrForbidden) or that makes
// no sense (ca.ErrMalformed).
func (c *Collection) X509(ctx context.Context, req *ca.Request) (*ca.Grant, error) {
	e, token, err := c.locate(req.Token)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(X509Authorizer)
	if !ok {
		return nil, refuse(e, ca.SignX509)
	}
	return p.AuthorizeX509(ctx, token, req)
}

// Identity returns the grant for the X.509 certificate that goes with an SSH
// certificate, by the same token. OneTime is nil, since the SSH certificate
// spends it. URIs in the request are not compared with the token's names.
func (c *Collection) Identity(ctx context.Context, req *ca.Request) (*ca.Grant, error) {
	grant, err := c.X509(ctx, req)
	if err != nil {
		return nil, err
	}
	grant.OneTime = nil
	if grant.CSR.Names == ca.NamesExact {
		grant.CSR.Names = ca.NamesExactButURIs
	}
	return grant, nil
}

// SSH returns the grant for a new SSH certificate, by req.Token.
func (c *Collection) SSH(ctx context.Context, req *ca.SSHRequest) (*ca.Grant, error) {
	e, token, err := c.locate(req.Token)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(SSHAuthorizer)
	if !ok {
		return nil, refuse(e, ca.SignSSH)
	}
	return p.AuthorizeSSH(ctx, token, req)
}

// SSHRecords are what the CA remembers of the SSH certificates it issued.
type SSHRecords interface {
	// SSHRevoked reports whether a certificate is revoked. The error is that of the
	// database, or of kind ca.ErrUnauthorized where nobody can tell any more.
	SSHRevoked(ctx context.Context, crt *ssh.Certificate) (bool, error)
}

// SSHRenew returns the grant for the renewal of the SSH certificate in req.Token,
// which is then Grant.SSH.Renew.
func (c *Collection) SSHRenew(ctx context.Context, req *ca.SSHRequest, records SSHRecords) (*ca.Grant, error) {
	e, token, err := c.locate(req.Token)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(SSHRenewAuthorizer)
	if !ok {
		return nil, refuse(e, ca.RenewSSH)
	}
	grant, err := p.AuthorizeSSHRenew(ctx, token)
	return unlessRevoked(ctx, grant, err, records)
}

// SSHRekey is SSHRenew for req.PublicKey in the place of the certificate's key.
func (c *Collection) SSHRekey(ctx context.Context, req *ca.SSHRequest, records SSHRecords) (*ca.Grant, error) {
	e, token, err := c.locate(req.Token)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(SSHRekeyAuthorizer)
	if !ok {
		return nil, refuse(e, ca.RekeySSH)
	}
	grant, err := p.AuthorizeSSHRekey(ctx, token)
	return unlessRevoked(ctx, grant, err, records)
}

// unlessRevoked passes the outcome of an authorization on, unless the certificate
// to be renewed is revoked.
func unlessRevoked(ctx context.Context, grant *ca.Grant, err error, records SSHRecords) (*ca.Grant, error) {
	if err != nil {
		return nil, err
	}
	revoked, err := records.SSHRevoked(ctx, grant.SSH.Renew)
	switch {
	case err != nil:
		return nil, err
	case revoked:
		return nil, ca.Hidden(ca.ErrUnauthorized, "certificate has been revoked")
	}
	return grant, nil
}

// Revoke returns the grant for the revocation of the X.509 certificate with a
// serial number, in decimal, by a token. Only Operation, Provisioner and OneTime
// are set.
func (c *Collection) Revoke(ctx context.Context, rawToken, serial string) (*ca.Grant, error) {
	e, token, err := c.locate(rawToken)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(RevokeAuthorizer)
	if !ok {
		return nil, refuse(e, ca.RevokeX509)
	}
	grant, err := p.AuthorizeRevoke(ctx, token)
	return ifSubject(grant, err, token, serial)
}

// SSHRevoke is Revoke for an SSH certificate. SSH.Revoke is set too if the token is
// by the key of that certificate.
func (c *Collection) SSHRevoke(ctx context.Context, rawToken, serial string) (*ca.Grant, error) {
	e, token, err := c.locate(rawToken)
	if err != nil {
		return nil, err
	}
	p, ok := e.Provisioner.(SSHRevokeAuthorizer)
	if !ok {
		return nil, refuse(e, ca.RevokeSSH)
	}
	grant, err := p.AuthorizeSSHRevoke(ctx, token)
	return ifSubject(grant, err, token, serial)
}

// ifSubject passes the outcome of an authorization on if it is for the serial
// number asked for.
func ifSubject(grant *ca.Grant, err error, token *Token, serial string) (*ca.Grant, error) {
	if err != nil {
		return nil, err
	}
	if subject := token.claims.Subject; subject != serial {
		return nil, ca.Errorf(ca.ErrForbidden, "request serial number %q and token subject %q do not match", serial, subject)
	}
	return grant, nil
}
