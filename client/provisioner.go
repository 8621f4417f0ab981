package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"stepca/jose"
)

// ErrNoProvisioner reports that no JWK provisioner of the CA is the one asked
// for.
var ErrNoProvisioner = errors.New("the certificate authority has no such JWK provisioner")

// jwkProvisioner is what is needed here of a JWK provisioner's JSON form.
type jwkProvisioner struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Key  struct {
		KeyID string `json:"kid"`
	} `json:"key"`
	EncryptedKey string `json:"encryptedKey"`
}

// JWKProvisioner downloads and decrypts the key of a JWK provisioner and returns
// a signer of tokens in its name. The provisioner is the one with the given
// name and key ID, of which one may be empty; of several with one name it is
// the first that the password opens. The error wraps jose.ErrInvalidPassword if
// it opens none, and ErrNoProvisioner if there is none.
func (c *Client) JWKProvisioner(ctx context.Context, name, kid string, password []byte) (*TokenSigner, error) {
	all, err := c.Provisioners(ctx)
	if err != nil {
		return nil, err
	}
	err = ErrNoProvisioner
	for _, raw := range all {
		var p jwkProvisioner
		if json.Unmarshal(raw, &p) != nil || !strings.EqualFold(p.Type, "JWK") ||
			name != "" && p.Name != name || kid != "" && p.Key.KeyID != kid {
			continue
		}
		var key *jose.JWK
		if key, err = c.provisionerKey(ctx, &p, password); err == nil {
			return c.tokenSigner(ctx, p.Name, key)
		}
		if !errors.Is(err, jose.ErrInvalidPassword) {
			break
		}
	}
	return nil, fmt.Errorf("provisioner %q: %w", name+kid, err)
}

func (c *Client) provisionerKey(ctx context.Context, p *jwkProvisioner, password []byte) (*jose.JWK, error) {
	encrypted := p.EncryptedKey
	if encrypted == "" {
		var err error
		if encrypted, err = c.EncryptedKey(ctx, p.Key.KeyID); err != nil {
			return nil, err
		}
	}
	return jose.DecryptJWK(encrypted, password)
}

func (c *Client) tokenSigner(ctx context.Context, name string, key *jose.JWK) (*TokenSigner, error) {
	fingerprint, err := c.RootFingerprint(ctx)
	if err != nil {
		return nil, err
	}
	return &TokenSigner{
		Provisioner:     name,
		Key:             key,
		Audience:        c.Audience(),
		RootFingerprint: fingerprint,
	}, nil
}
