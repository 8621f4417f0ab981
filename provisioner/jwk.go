package provisioner

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"

	"stepca/ca"
	"stepca/jose"
)

// A JWK provisioner trusts whoever has a private key. Its clients make their own
// tokens: with the key itself, or with the password of EncryptedKey.
type JWK struct {
	Named

	// Key verifies tokens. A token names it by Key.KeyID.
	Key *jose.JWK `json:"key"`

	// EncryptedKey is the private key as a compact JWE, for clients that know
	// the password; "" if they bring the key. It is public.
	EncryptedKey string `json:"encryptedKey,omitempty"`

	Settings
}

// TokenID returns "<name>:<key ID>".
func (p *JWK) TokenID() string {
	if p.Key == nil {
		return p.Name + ":"
	}
	return p.Name + ":" + p.Key.KeyID
}

// Ref implements Provisioner.
func (p *JWK) Ref() ca.ProvisionerRef { return p.ref(ca.TypeJWK, p.TokenID()) }

// MarshalJSON implements json.Marshaler.
func (p *JWK) MarshalJSON() ([]byte, error) {
	type plain JWK
	return p.marshal((*plain)(p))
}

// check reports what no configuration may have. Key is published, so that
// neither a private nor a shared key will do.
func (p *JWK) check() error {
	switch {
	case p.Key == nil:
		return &FieldError{"key", errors.New("provisioner key cannot be empty")}
	case !p.Key.Valid():
		return &FieldError{"key", errors.New("provisioner key is not valid")}
	case !p.Key.IsPublic():
		return &FieldError{"key", errors.New("provisioner key is not a public key; put the private key, encrypted, into encryptedKey")}
	}
	return nil
}

func (p *JWK) prepare(s *setup) error {
	if err := p.check(); err != nil {
		return err
	}
	return p.prepareSettings(s, &p.Settings)
}

// verify checks a token for an operation.
func (p *JWK) verify(token *Token, op ca.Operation) error {
	if token.jws.Header.KeyID != p.Key.KeyID {
		return ca.Hidden(ca.ErrUnauthorized, "verifying token: its key ID is not that of provisioner %q", p.Name)
	}
	if err := token.verifySignature(p.Key); err != nil {
		return ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	if err := token.verifyClaims(op, p.Name, "", p.rules); err != nil {
		return ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	return nil
}

// AuthorizeX509 implements X509Authorizer: the names are the token's.
func (p *JWK) AuthorizeX509(_ context.Context, token *Token, _ *ca.Request) (*ca.Grant, error) {
	if err := p.verify(token, ca.SignX509); err != nil {
		return nil, err
	}
	return p.leafGrant(token, p.Ref(), p.extension(ca.TypeJWK, p.Key.KeyID))
}

// leafGrant returns the grant for a certificate for the subject and names of a
// token, which the request may repeat or leave out.
func (n *Named) leafGrant(token *Token, ref ca.ProvisionerRef, ext *ca.ProvisionerExtension) (*ca.Grant, error) {
	c := &token.claims
	sans := c.SANs
	if len(sans) == 0 {
		sans = []string{c.Subject}
	}
	if len(sans) > maxNames {
		return nil, ca.Errorf(ca.ErrMalformed, "token has more than %d names", maxNames)
	}
	data, err := token.data(n.templates.x509, len(n.templates.webhooks) > 0)
	if err != nil {
		return nil, ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	grant := &ca.Grant{
		Operation:   ca.SignX509,
		Provisioner: ref,
		Extension:   ext,
		Issuer:      n.issuer,
		Limits:      n.rules.TLS,
		OneTime:     token.oneTimeID(),
		CSR: ca.CSRRules{
			CommonNames: append([]string{c.Subject}, sans...),
			Names:       ca.NamesExact,
		},
		Subject:      pkix.Name{CommonName: c.Subject},
		SANs:         ca.ParseSANs(sans),
		Template:     ca.Template{Default: ca.TemplateLeaf, Source: n.templates.x509.Source},
		TemplateData: data,
	}
	if c.Confirmation != nil {
		grant.CSR.Fingerprint = c.Confirmation.Fingerprint
	}
	if c.Step != nil {
		grant.RA = c.Step.RA
	}
	return grant, nil
}

// AuthorizeRenew implements RenewAuthorizer.
func (p *JWK) AuthorizeRenew(_ context.Context, crt *x509.Certificate) (*ca.Grant, error) {
	return p.renewGrant(p.Ref(), crt)
}

// AuthorizeRevoke implements RevokeAuthorizer.
func (p *JWK) AuthorizeRevoke(_ context.Context, token *Token) (*ca.Grant, error) {
	return p.authorizeRevoke(token, ca.RevokeX509)
}

// AuthorizeSSHRevoke implements SSHRevokeAuthorizer.
func (p *JWK) AuthorizeSSHRevoke(_ context.Context, token *Token) (*ca.Grant, error) {
	return p.authorizeRevoke(token, ca.RevokeSSH)
}

func (p *JWK) authorizeRevoke(token *Token, op ca.Operation) (*ca.Grant, error) {
	if err := p.verify(token, op); err != nil {
		return nil, err
	}
	return &ca.Grant{Operation: op, Provisioner: p.Ref(), OneTime: token.oneTimeID()}, nil
}

// AuthorizeSSH implements SSHAuthorizer: type, key ID and principals are the
// token's, by default those of a user certificate for its subject.
func (p *JWK) AuthorizeSSH(_ context.Context, token *Token, req *ca.SSHRequest) (*ca.Grant, error) {
	if !p.rules.EnableSSHCA {
		return nil, errSSHDisabled(p.Name)
	}
	if err := p.verify(token, ca.SignSSH); err != nil {
		return nil, err
	}
	if token.claims.Step == nil || token.claims.Step.SSH == nil {
		return nil, ca.Hidden(ca.ErrUnauthorized, "token has no claim step.ssh, so it is not for SSH")
	}
	if c := token.claims.Confirmation; c != nil {
		if err := checkSSHFingerprint(req.PublicKey, c.Fingerprint); err != nil {
			return nil, err
		}
	}
	return p.sshGrant(token, req, p.Ref(), *token.claims.Step.SSH, ca.SSHOptions{
		CertType:   ca.SSHUser,
		KeyID:      token.claims.Subject,
		Principals: []string{token.claims.Subject},
	})
}
