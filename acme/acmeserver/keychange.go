package acmeserver

import (
	"encoding/json"
	"errors"
	"net/http"

	"stepca/acme"
	"stepca/jose"
	"stepca/store"
)

// keyChange replaces the key of an account (RFC 8555 §7.3.5). The payload is a JWS
// by the new key, which says so too.
func (s *Server) keyChange(x *exchange) error {
	key, thumbprint, err := x.newKey()
	if err != nil {
		return err
	}
	a, err := x.updateAccount(func(a *acme.Account) error {
		a.Key, a.Thumbprint = key, thumbprint
		return nil
	})
	if errors.Is(err, store.ErrExists) {
		return x.keyInUse(thumbprint)
	}
	if err != nil {
		return err
	}
	x.writeAccount(http.StatusOK, a, nil)
	return nil
}

// newKey verifies the inner JWS and returns its key.
func (x *exchange) newKey() (*jose.JWK, string, error) {
	inner, err := parseJWS(x.payload)
	if err != nil {
		return nil, "", err
	}
	h := &inner.Header
	switch {
	case h.JWK == nil || h.KeyID != "":
		return nil, "", malformed("the inner JWS has to hold the new key as jwk, and no kid")
	case h.Nonce != "":
		return nil, "", malformed("the inner JWS has a nonce, which it must not")
	case h.URL != x.header.URL:
		return nil, "", malformed("the inner JWS has another url than the outer one")
	}
	if err := checkKey(h.JWK); err != nil {
		return nil, "", err
	}
	payload, err := inner.VerifyShort(h.JWK)
	if err != nil {
		return nil, "", signatureProblem(err)
	}
	if err := x.checkKeyChange(payload); err != nil {
		return nil, "", err
	}
	thumbprint, err := jose.Thumbprint(h.JWK)
	if err != nil {
		return nil, "", acme.NewProblem(acme.ProblemBadPublicKey, "")
	}
	if thumbprint == x.account.Thumbprint {
		return nil, "", x.keyInUse(thumbprint)
	}
	return &jose.JWK{Key: h.JWK.Key, KeyID: thumbprint}, thumbprint, nil
}

// checkKeyChange compares what the new key signed with the account and its key.
func (x *exchange) checkKeyChange(payload []byte) error {
	var req struct {
		Account string          `json:"account"`
		OldKey  json.RawMessage `json:"oldKey"`
	}
	if err := jose.Unmarshal(payload, &req); err != nil {
		return malformed("the payload of the inner JWS is not a JSON object")
	}
	if req.Account != x.header.KeyID {
		return malformed("the inner JWS names another account than the outer one")
	}
	old, err := jose.ParsePublicJWK(req.OldKey)
	if err != nil {
		return malformed("oldKey is not a public JWK")
	}
	if thumbprint, err := jose.Thumbprint(old); err != nil || thumbprint != x.account.Thumbprint {
		return malformed("oldKey is not the key of the account")
	}
	return nil
}

// keyInUse is the refusal of a key that has an account (RFC 8555 §7.3.5).
func (x *exchange) keyInUse(thumbprint string) error {
	if rec, err := x.s.store.AccountByKey(x.r.Context(), x.ref.ID, thumbprint); err == nil {
		x.Header().Set("Location", x.url(pathAccount, rec.ID))
	}
	return malformed("the new key is in use by an account").WithStatus(http.StatusConflict)
}
