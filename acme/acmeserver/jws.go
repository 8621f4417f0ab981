package acmeserver

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stepca/acme"
	"stepca/ca"
	"stepca/issue"
	"stepca/jose"
)

// authenticate reads and verifies the JWS of a request (RFC 8555 §6.2 to 6.5). The
// order of the checks is that of the reference, on which tests of clients rely.
func (x *exchange) authenticate(r *route) error {
	jws, err := x.readJWS()
	if err != nil {
		return err
	}
	h := &jws.Header
	if x.nonce, err = x.s.nonces.redeem(h.Nonce); err != nil {
		return err
	}
	if err := x.checkURL(h.URL); err != nil {
		return err
	}
	switch {
	case h.JWK != nil && h.KeyID != "":
		return malformed("the protected header has both jwk and kid, which exclude each other")
	case h.JWK == nil && h.KeyID == "":
		return malformed("the protected header has neither jwk nor kid")
	case h.JWK != nil && r.key == byKID:
		return malformed("the protected header has to name the account by kid")
	case h.KeyID != "" && r.key == byJWK:
		return malformed("the protected header has to hold the key as jwk")
	}
	if x.key = h.JWK; x.key != nil {
		err = checkKey(x.key)
	} else {
		err = x.useAccount(h.KeyID)
	}
	if err != nil {
		return err
	}
	x.header = *h
	x.payload, err = jws.VerifyShort(x.key) // Compatible: Apple's client drops leading zeros of R and S
	return signatureProblem(err)
}

// readJWS reads the body and checks what can be checked before the nonce is spent.
func (x *exchange) readJWS() (*jose.JWS, error) {
	media, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || media != "application/jose+json" {
		return nil, malformed("the Content-Type has to be application/jose+json").WithStatus(http.StatusUnsupportedMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, ca.Errorf(ca.ErrTooLarge, "the body is larger than %d octets", maxBody)
		}
		return nil, malformed("the body could not be read")
	}
	return parseJWS(body)
}

// parseJWS parses a JWS and checks its form and algorithm.
func parseJWS(body []byte) (*jose.JWS, error) {
	jws, err := jose.Parse(string(body))
	switch {
	case errors.Is(err, jose.ErrKey):
		return nil, badPublicKey(err)
	case err != nil:
		return nil, malformed("the body is not a JWS with one signature: %w", err)
	}
	if jws.HasUnprotectedHeader {
		return nil, malformed("the JWS has an unprotected header")
	}
	if !slices.Contains(jose.SignatureAlgorithms(), jws.Header.Algorithm) {
		return nil, badAlgorithm("%q is not among the algorithms supported", jws.Header.Algorithm)
	}
	return jws, nil
}

func badAlgorithm(format string, args ...any) *acme.Problem {
	p := acme.NewProblem(acme.ProblemBadSignatureAlgorithm, format, args...)
	p.Algorithms = jose.SignatureAlgorithms()
	return p
}

func signatureProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jose.ErrAlgorithm):
		return badAlgorithm("the algorithm is not one for the key")
	}
	return malformed("the JWS cannot be verified: %w", err)
}

// checkURL compares the signed URL with the one requested (RFC 8555 §6.4).
// Compatible: it may lack the query.
func (x *exchange) checkURL(signed string) error {
	if signed == "" {
		return malformed("the protected header has no url")
	}
	want := x.base() + x.r.URL.EscapedPath()
	if signed == want || x.r.URL.RawQuery != "" && signed == want+"?"+x.r.URL.RawQuery {
		return nil
	}
	return unauthorized("the url in the protected header is %q, the request went to %q", clip(signed), clip(want))
}

// checkKey refuses keys that are too weak, or of kinds that we do not support.
func checkKey(key *jose.JWK) error {
	if err := issue.CheckPublicKey(key.Key); err != nil {
		return badPublicKey(err)
	}
	return nil
}

func badPublicKey(cause error) *acme.Problem {
	p := acme.NewProblem(acme.ProblemBadPublicKey, "an RSA key of 2048 to 16384 bits, an EC key on P-256, P-384 or P-521, or an Ed25519 key is needed")
	p.Cause = cause
	return p
}

// useAccount takes the key of the account that the header names.
func (x *exchange) useAccount(kid string) error {
	id, err := x.accountID(kid)
	if err != nil {
		return err
	}
	a, err := x.s.loadAccount(x.r.Context(), id)
	if errors.Is(err, ca.ErrNotFound) {
		return acme.NewProblem(acme.ProblemAccountDoesNotExist, "no account has the URL in kid")
	}
	if err != nil {
		return err
	}
	if a.Provisioner != x.ref.ID {
		return unauthorized("the account belongs to another provisioner")
	}
	if err := checkActive(a); err != nil {
		return err
	}
	x.account, x.key = a, a.Key
	return nil
}

func checkActive(a *acme.Account) error {
	if a.Status != acme.StatusValid {
		return unauthorized("the account is %s", a.Status)
	}
	return nil
}

// accountID returns the ID in an account URL, which may have any name of this CA
// for its host.
func (x *exchange) accountID(kid string) (string, error) {
	u, err := url.Parse(kid)
	if err != nil || u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || !x.isOurs(u) {
		return "", unauthorized("kid %q is not the URL of an account of this server", clip(kid))
	}
	escaped, rest := splitPath(u.EscapedPath())
	name, err := url.PathUnescape(escaped)
	id, ok := strings.CutPrefix(rest, pathAccount+"/")
	if err != nil || name != x.prov.Name || !ok || id == "" || strings.Contains(id, "/") {
		return "", unauthorized("kid %q is not the URL of an account of this provisioner", clip(kid))
	}
	return id, nil
}

func (x *exchange) isOurs(u *url.URL) bool {
	if strings.EqualFold(u.Host, x.r.Host) {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(x.s.cfg.Hosts, func(h string) bool {
		return strings.EqualFold(h, host) || net.ParseIP(h) != nil && net.ParseIP(h).Equal(net.ParseIP(host))
	})
}
