package client

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"stepca/api"
)

// maxPages bounds the pages of provisioners that are asked for, so that a
// server that never ends its list cannot hold a client forever.
const maxPages = 1000

// Health returns the state of the CA, which is "ok" when it answers at all.
func (c *Client) Health(ctx context.Context) (string, error) {
	answer, err := get[api.Health](ctx, c, api.PathHealth)
	if err != nil {
		return "", err
	}
	return answer.Status, nil
}

// Version returns what the CA says of itself.
func (c *Client) Version(ctx context.Context) (*api.Version, error) {
	return get[api.Version](ctx, c, api.PathVersion)
}

// Roots returns the root certificates of the CA.
func (c *Client) Roots(ctx context.Context) ([]*x509.Certificate, error) {
	return c.certificates(ctx, api.PathRoots)
}

// Federation returns the roots of the CA and of those it is federated with, in
// no particular order.
func (c *Client) Federation(ctx context.Context) ([]*x509.Certificate, error) {
	return c.certificates(ctx, api.PathFederation)
}

// Intermediates returns the intermediate certificates of the CA, the issuer of
// leaf certificates first.
func (c *Client) Intermediates(ctx context.Context) ([]*x509.Certificate, error) {
	return c.certificates(ctx, api.PathIntermediates)
}

func (c *Client) certificates(ctx context.Context, path string) ([]*x509.Certificate, error) {
	answer, err := get[api.CertificateList](ctx, c, path)
	if err != nil {
		return nil, err
	}
	return api.Certificates(answer.Certificates), nil
}

// Provisioners returns all provisioners, page by page, in the JSON form that
// ca.json has.
func (c *Client) Provisioners(ctx context.Context) ([]json.RawMessage, error) {
	var all []json.RawMessage
	query := url.Values{"limit": {strconv.Itoa(api.MaxPageSize)}}
	for range maxPages {
		page, err := get[api.Provisioners](ctx, c, api.PathProvisioners+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		all = append(all, page.Provisioners...)
		switch page.NextCursor {
		case "":
			return all, nil
		case query.Get("cursor"):
			return nil, errors.New("the certificate authority's list of provisioners does not advance")
		}
		query.Set("cursor", page.NextCursor)
	}
	return nil, fmt.Errorf("the certificate authority's list of provisioners does not end after %d pages", maxPages)
}

// EncryptedKey returns the private key of the JWK provisioner with that key ID:
// a JWK in a compact JWE, encrypted with the provisioner's password.
func (c *Client) EncryptedKey(ctx context.Context, kid string) (string, error) {
	answer, err := get[api.EncryptedKey](ctx, c, api.PathEncryptedKey(url.PathEscape(kid)))
	if err != nil {
		return "", err
	}
	return answer.Key, nil
}

// CRL returns the certificate revocation list of the CA. Its signature has not
// been checked.
func (c *Client) CRL(ctx context.Context) (*x509.RevocationList, error) {
	reply, err := c.do(ctx, http.MethodGet, api.PathCRL, nil, nil, maxCRL)
	if err != nil {
		return nil, err
	}
	return x509.ParseRevocationList(reply.body)
}

// RootFingerprint returns the fingerprint of the root that the CA's own
// certificate chains to. It connects if more than one is trusted.
func (c *Client) RootFingerprint(ctx context.Context) (string, error) {
	if len(c.roots) == 1 {
		return Fingerprint(c.roots[0]), nil
	}
	reply, err := c.do(ctx, http.MethodGet, api.PathHealth, nil, nil, maxAnswer)
	if err != nil {
		return "", err
	}
	if reply.tls == nil || len(reply.tls.VerifiedChains) == 0 {
		return "", errors.New("the connection to the certificate authority has no verified chain")
	}
	chain := reply.tls.VerifiedChains[0]
	return Fingerprint(chain[len(chain)-1]), nil
}

// HasAdminAPI reports whether the CA answers the admin API, over which its
// provisioners are managed then, and not in its configuration file.
func (c *Client) HasAdminAPI(ctx context.Context) (bool, error) {
	_, err := c.do(ctx, http.MethodGet, "/admin/admins", nil, nil, maxAnswer)
	refused, ok := errors.AsType[*api.Error](err)
	switch {
	case ok: // without credentials it refuses us, if it is there
		return refused.Status == http.StatusUnauthorized, nil
	case err != nil:
		return false, err
	}
	return true, nil
}
