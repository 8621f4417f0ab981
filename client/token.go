package client

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/jose"
)

// Lifetimes of the tokens we mint.
const (
	defaultTokenLifetime = 5 * time.Minute
	minTokenLifetime     = 10 * time.Second
	maxTokenLifetime     = time.Hour
	maxTokenDelay        = 30 * time.Minute // from now to "not before"
)

// renewIssuer is the issuer of tokens that renew a certificate.
const renewIssuer = "step-ca-client/1.0"

// TokenClaims are the claims of one-time tokens.
type TokenClaims struct {
	jose.Claims
	SANs  []string `json:"sans,omitempty"`  // names of an X.509 certificate; none means the subject
	Email string   `json:"email,omitempty"` // of the user, in OIDC tokens

	// RootFingerprint is the SHA-256 of the CA's root certificate in hex, from
	// which whoever holds the token can trust the CA.
	RootFingerprint string `json:"sha,omitempty"`

	Confirmation *Confirmation   `json:"cnf,omitempty"`
	Step         *StepClaims     `json:"step,omitempty"`
	User         json.RawMessage `json:"user,omitempty"` // what templates see as .Token.user
}

// A Confirmation binds a token to one certificate request (RFC 7800 §3.1).
type Confirmation struct {
	// RequestFingerprint is the SHA-256 of the request's DER, base64url without
	// padding.
	RequestFingerprint string `json:"x5rt#S256,omitempty"`
}

// StepClaims are claims of this system's own. SSH is present in tokens for SSH
// certificates.
type StepClaims struct {
	SSH *ca.SSHOptions `json:"ssh,omitempty"`
}

// ParseToken returns the claims of a token without asking who made it: good for
// finding the CA that it is for, never for a decision of a CA.
func ParseToken(token string) (*TokenClaims, error) {
	jws, err := jose.ParseCompact(token)
	if err != nil {
		return nil, err
	}
	claims := new(TokenClaims)
	if err := jws.UnverifiedClaims(claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// A TokenSigner mints one-time tokens in the name of one provisioner.
type TokenSigner struct {
	Provisioner string         // its name, the issuer
	Key         any            // a key that jose.Sign takes
	KeyID       string         // "" means that of a JWK, else none
	Header      map[string]any // credentials such as x5c or sshpop; may be nil

	Audience        string // what the route is appended to; see Client.Audience
	Fragment        string // of the audience, without "#"; "" for none
	RootFingerprint string // see TokenClaims; may be ""

	Now func() time.Time // nil means time.Now
}

// TokenOptions say what a token is for. The audience follows from Route.
type TokenOptions struct {
	Route   string   // api.PathSign, for example
	Subject string   // a name, or the serial number to revoke
	SANs    []string // for api.PathSign; none means the subject

	RequestFingerprint string          // see Confirmation; "" binds to none
	SSH                *ca.SSHOptions  // set in tokens for SSH certificates only
	User               json.RawMessage // a JSON object; nil leaves it out

	// NotBefore and NotAfter bound the use of the token; durations count from
	// now. Unset means now and five minutes after NotBefore.
	NotBefore, NotAfter ca.TimeOrDuration
}

// Token mints a token.
func (s *TokenSigner) Token(opts TokenOptions) (string, error) {
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	notBefore, notAfter := opts.NotBefore.At(now), opts.NotAfter.At(now)
	if notBefore.IsZero() {
		notBefore = now
	}
	if notAfter.IsZero() {
		notAfter = notBefore.Add(defaultTokenLifetime)
	}
	if opts.Route == api.PathSign && len(opts.SANs) == 0 {
		opts.SANs = []string{opts.Subject}
	}
	if err := checkLifetime(now, notBefore, notAfter); err != nil {
		return "", err
	}
	audience := s.Audience + opts.Route
	if s.Fragment != "" {
		audience += "#" + s.Fragment
	}
	claims := &TokenClaims{
		Claims: jose.Claims{
			Issuer:    s.Provisioner,
			Subject:   opts.Subject,
			Audience:  jose.Audience{audience},
			IssuedAt:  jose.NewNumericDate(now),
			NotBefore: jose.NewNumericDate(notBefore),
			Expiry:    jose.NewNumericDate(notAfter),
			ID:        tokenID(),
		},
		SANs:            opts.SANs,
		RootFingerprint: s.RootFingerprint,
		User:            opts.User,
	}
	if opts.RequestFingerprint != "" {
		claims.Confirmation = &Confirmation{opts.RequestFingerprint}
	}
	if opts.SSH != nil {
		claims.Step = &StepClaims{SSH: opts.SSH}
	}
	return jose.SignClaims(claims, s.Key, jose.SignOptions{KeyID: s.KeyID, Header: s.Header})
}

func checkLifetime(now, notBefore, notAfter time.Time) error {
	lifetime, delay := notAfter.Sub(notBefore), notBefore.Sub(now)
	switch {
	case lifetime < 0:
		return fmt.Errorf("nbf < exp: nbf=%v, exp=%v", notBefore, notAfter)
	case lifetime < minTokenLifetime:
		return fmt.Errorf("requested token validity is too short: 'requested token validity'=%v, 'minimum token validity'=%v", lifetime, minTokenLifetime)
	case lifetime > maxTokenLifetime:
		return fmt.Errorf("requested token validity is too long: 'requested token validity'=%v, 'maximum token validity'=%v", lifetime, maxTokenLifetime)
	case delay > maxTokenDelay:
		return fmt.Errorf("requested validity delay is too long: 'requested validity delay'=%v, 'maximum validity delay'=%v", delay, maxTokenDelay)
	}
	return nil
}

// RenewToken mints the token with which the holder of crt renews it without a
// TLS client certificate, expired or not. The audience is the CA's URL followed
// by api.PathRenew, with or without api.Prefix.
func RenewToken(crt *tls.Certificate, audience string, now time.Time) (string, error) {
	chain, err := parseChain(crt)
	if err != nil {
		return "", err
	}
	kid, err := jose.Thumbprint(chain[0].PublicKey)
	if err != nil {
		return "", err
	}
	claims := &jose.Claims{
		Issuer:    renewIssuer,
		Subject:   chain[0].Subject.CommonName,
		Audience:  jose.Audience{audience},
		IssuedAt:  jose.NewNumericDate(now),
		NotBefore: jose.NewNumericDate(now),
		Expiry:    jose.NewNumericDate(now.Add(defaultTokenLifetime)),
		ID:        tokenID(),
	}
	return jose.SignClaims(claims, crt.PrivateKey, jose.SignOptions{
		KeyID:  kid,
		Header: map[string]any{"x5cInsecure": jose.EncodeChain(chain)},
	})
}

// tokenID returns 256 random bits in hex.
func tokenID() string {
	var id [32]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Authority returns the URL of the CA that the token is for and the fingerprint
// of its root certificate, both of which a bootstrap needs. The error says which
// one the token lacks.
func (t *TokenClaims) Authority() (caURL, fingerprint string, err error) {
	if t.RootFingerprint == "" {
		return "", "", errors.New("invalid bootstrap token: sha claim is not present")
	}
	if len(t.Audience) > 0 && strings.Contains(t.Audience[0], "://") {
		if u, err := ParseURL(t.Audience[0]); err == nil {
			return u.String(), t.RootFingerprint, nil
		}
	}
	return "", "", errors.New("invalid bootstrap token: aud claim is not a url")
}
