package acmeserver

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/jose"
	"stepca/store"
)

// verifyBinding verifies an external account binding (RFC 8555 §7.3.4): a JWS over
// the account's key, by the key that the operator gave to its owner. It returns the
// ID of that key.
func (x *exchange) verifyBinding(raw json.RawMessage, thumbprint string) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", acme.NewProblem(acme.ProblemExternalAccountRequired, "")
	}
	jws, err := jose.ParseJSON(raw)
	if err != nil {
		return "", malformed("externalAccountBinding is not a JWS with one signature: %w", err)
	}
	if err := x.checkBindingHeader(jws); err != nil {
		return "", err
	}
	key, err := x.s.store.ExternalKey(x.r.Context(), jws.Header.KeyID)
	if errors.Is(err, ca.ErrNotFound) {
		return "", forbidden("the external account key is not known")
	}
	if err != nil {
		return "", err
	}
	if err := x.checkUnbound(key); err != nil {
		return "", err
	}
	payload, err := jws.VerifyHMAC(key.Secret)
	if err != nil {
		return "", forbidden("the external account binding was made with another key")
	}
	jwk, err := jose.ParsePublicJWK(payload)
	if err != nil {
		return "", malformed("the payload of externalAccountBinding is not a public JWK")
	}
	if bound, err := jose.Thumbprint(jwk); err != nil || bound != thumbprint {
		return "", forbidden("the external account binding is for another account key")
	}
	return key.ID, nil
}

func (x *exchange) checkBindingHeader(jws *jose.JWS) error {
	h := &jws.Header
	switch {
	case jws.HasUnprotectedHeader:
		return malformed("externalAccountBinding has an unprotected header")
	case !slices.Contains([]string{jose.HS256, jose.HS384, jose.HS512}, h.Algorithm):
		return malformed("externalAccountBinding is signed with %q, where HS256, HS384 or HS512 is needed", clip(h.Algorithm))
	case h.KeyID == "":
		return malformed("externalAccountBinding has no kid")
	case h.Nonce != "":
		return malformed("externalAccountBinding has a nonce, which it must not")
	case h.URL != x.header.URL:
		return malformed("externalAccountBinding has another url than the request")
	}
	return nil
}

// checkUnbound refuses a key of another provisioner or with an account.
func (x *exchange) checkUnbound(key *store.ACMEExternalKey) error {
	switch {
	case key.Provisioner != x.ref.ID:
		return forbidden("the external account key belongs to another provisioner")
	case key.AccountID != "" || len(key.Secret) == 0:
		return forbidden("the external account key was used already; each binds one account")
	}
	return nil
}

// bind uses the key up, in the transaction that creates the account.
func (x *exchange) bind(key *store.ACMEExternalKey) error {
	if err := x.checkUnbound(key); err != nil {
		return err
	}
	key.Secret, key.BoundAt = nil, x.s.now().UTC().Truncate(time.Second)
	return nil
}
