package provisioner

import (
	"strings"

	"stepca/ca"
)

// Tokens of Kubernetes service accounts name neither this CA nor a provisioner.
const (
	k8sIssuer  = "kubernetes/serviceaccount"
	k8sTokenID = "k8ssa/k8sSA-default"
)

// locate parses a token and finds the provisioner it is for, by what it says
// itself; nothing of it is verified yet. The provisioner is initialized, and the
// token is not from before the CA started.
func (c *Collection) locate(raw string) (*entry, *Token, error) {
	token, err := parseToken(raw)
	if err != nil {
		return nil, nil, ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	token.now = c.now()
	token.operations = c.audiences.operations(token.audiences, token.fragment)
	e := c.addressee(token)
	if e == nil {
		return nil, nil, ca.Hidden(ca.ErrUnauthorized, "provisioner not found or invalid audience (%s)",
			strings.Join(token.claims.Audience, ", "))
	}
	if err := e.ready(); err != nil {
		return nil, nil, err
	}
	if issued := token.claims.IssuedAt; issued != nil && int64(*issued) < c.started {
		return nil, nil, ca.Hidden(ca.ErrUnauthorized, "token issued before the bootstrap of certificate authority")
	}
	return e, token, nil
}

// addressee returns the provisioner that a token is for, nil if there is none.
// Tokens of this system are addressed to the CA by URL, and name the provisioner
// in the URL's fragment or by issuer and key ID. Those of others are found by
// what their issuers put in: the client ID of OpenID Connect, a tenant.
func (c *Collection) addressee(token *Token) *entry {
	claims := &token.claims
	if token.operations != 0 {
		if token.fragment != "" {
			return c.byTokenID[token.fragment]
		}
		return c.byTokenID[claims.Issuer+":"+token.jws.Header.KeyID]
	}
	if claims.Issuer == k8sIssuer {
		return c.byTokenID[k8sTokenID]
	}
	if len(claims.Audience) == 0 {
		return nil
	}
	first := claims.Audience[0]
	if claims.AuthorizedParty != "" {
		if e := c.byTokenID[claims.AuthorizedParty]; e != nil {
			return e
		}
	}
	if claims.TenantID != "" {
		if claims.Email != "" {
			if e := c.byTokenID[first]; e != nil {
				return e
			}
		}
		if e := c.byTokenID[claims.TenantID]; e != nil {
			return e
		}
	}
	return c.byTokenID[first]
}
