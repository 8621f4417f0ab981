package provisioner

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stepca/ca"
	"stepca/jose"
)

// A Token is a one-time token (JWT, RFC 7519) that was parsed and located, and
// that nobody has verified yet: that is the part of its provisioner.
type Token struct {
	jws       *jose.JWS
	claims    claims
	audiences []audience
	fragment  string // that of the first audience with one; "" for none

	// operations are what the audiences are good for at this CA; 0 for tokens
	// that are not addressed to it by URL, such as those of OpenID Connect.
	operations operations

	now time.Time
}

// claims are all members that some provisioner reads.
type claims struct {
	jose.Claims
	SANs            []string      `json:"sans"`
	Confirmation    *confirmation `json:"cnf"`
	Step            *stepClaim    `json:"step"`
	AuthorizedParty string        `json:"azp"`
	TenantID        string        `json:"tid"`
	Email           string        `json:"email"`
}

// A confirmation binds a token to one certification request (RFC 7800).
type confirmation struct {
	Fingerprint string `json:"x5rt#S256"` // SHA-256 of the request's DER, base64url
}

// stepClaim holds what only tokens of this system say.
type stepClaim struct {
	SSH *ca.SSHOptions            `json:"ssh"`
	RA  *ca.RegistrationAuthority `json:"ra"`
}

// parseToken parses a compact JWS and its claims, and verifies nothing.
func parseToken(raw string) (*Token, error) {
	jws, err := jose.ParseCompact(raw)
	if err != nil {
		return nil, fmt.Errorf("parsing token: %w", err)
	}
	t := &Token{jws: jws}
	if plain := readClaims(jws.UnverifiedPayload()); plain != nil {
		t.claims = *plain
	} else if err := jws.UnverifiedClaims(&t.claims); err != nil {
		return nil, fmt.Errorf("parsing token: %w", err)
	}
	if len(t.claims.Audience) > maxAudiences {
		return nil, fmt.Errorf("parsing token: more than %d audiences", maxAudiences)
	}
	t.audiences = make([]audience, len(t.claims.Audience))
	for i, aud := range t.claims.Audience {
		t.audiences[i] = parseAudience(aud)
		if t.fragment == "" {
			t.fragment = t.audiences[i].fragment
		}
	}
	return t, nil
}

// Bounds on lists in a token and in a request that repeats them.
const (
	maxAudiences = 100
	maxNames     = 1000
)

// LogValue implements slog.LogValuer: the ID by which the token is spent, and not
// the token, which is as good as a password until then.
func (t *Token) LogValue() slog.Value { return slog.StringValue(t.oneTimeID().ID) }

// String returns the same.
func (t *Token) String() string { return t.oneTimeID().ID }

// verifySignature checks the signature with the given key, a public key or JWK.
func (t *Token) verifySignature(key any) error {
	if _, err := t.jws.Verify(key); err != nil {
		return fmt.Errorf("verifying token: %w", err)
	}
	return nil
}

// verifyClaims checks what all tokens that name their provisioner have in
// common: issuer, times, subject, and an audience that is good for op with
// exactly the given fragment.
func (t *Token) verifyClaims(op ca.Operation, issuer, fragment string, rules Rules) error {
	c := &t.claims
	if c.Issuer != issuer {
		return fmt.Errorf("verifying token: %w", jose.ErrIssuer)
	}
	if err := t.verifyTimes(rules.MaxTokenLifetime); err != nil {
		return err
	}
	if t.fragment != fragment || t.operations&operationSet(op) == 0 {
		return fmt.Errorf("verifying token: %w", jose.ErrAudience)
	}
	if c.Subject == "" {
		return errors.New("verifying token: the subject claim (sub) is empty")
	}
	return nil
}

// verifyTimes checks nbf, exp and iat, each if it is there. With a limit, exp
// has to be there.
func (t *Token) verifyTimes(limit time.Duration) error {
	c := &t.claims
	if err := c.Validate(jose.Expected{Now: t.now, Leeway: jose.Leeway}); err != nil {
		return fmt.Errorf("verifying token: %w", err)
	}
	switch {
	case limit == 0:
		return nil
	case c.Expiry == nil:
		return errors.New("verifying token: it has no expiry claim (exp)")
	case c.Expiry.Time().After(t.now.Add(limit + jose.Leeway)):
		return fmt.Errorf("verifying token: it is valid for longer than %v", limit)
	}
	return nil
}

// oneTimeID returns the ID by which the token is spent: its jti, or a hash of it
// if it has none. All provisioners share one namespace.
func (t *Token) oneTimeID() *ca.OneTimeID {
	if id := t.claims.ID; id != "" {
		return &ca.OneTimeID{ID: id, Expires: t.expires()}
	}
	return t.hashID()
}

// hashID returns the ID of a token that no other token can be given.
func (t *Token) hashID() *ca.OneTimeID {
	sum := t.jws.Digest()
	return &ca.OneTimeID{ID: hex.EncodeToString(sum[:]), Expires: t.expires()}
}

// expires returns when the token can no longer be accepted, zero for never.
func (t *Token) expires() time.Time {
	if t.claims.Expiry == nil {
		return time.Time{}
	}
	return t.claims.Expiry.Time().Add(jose.Leeway)
}

// data returns the variables of a template: all claims as .Token, and then what
// the operator gave. For the default template, which looks at none of them, it
// is only the operator's, and nil if there is nothing: a request on the usual
// path pays for no map.
func (t *Token) data(tmpl Template, webhooks bool) (map[string]any, error) {
	if tmpl.Source == "" && !webhooks {
		return tmpl.Data, nil
	}
	var all map[string]any
	if err := t.jws.UnverifiedClaims(&all); err != nil { // verified by now
		return nil, fmt.Errorf("reading token: %w", err)
	}
	data := map[string]any{"Token": all}
	for name, value := range tmpl.Data {
		data[name] = value
	}
	return data, nil
}
