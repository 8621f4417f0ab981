package ca

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mholt/acmez/v3/acme"
)

// authorize proves one name.
func (s *acmeSession) authorize(ctx context.Context, url string) error {
	authz, err := s.client.GetAuthorization(ctx, s.account, url)
	if err != nil {
		return acmeError("Unable to read authorization", err)
	}
	name := printable(authz.IdentifierValue())
	switch authz.Status {
	case acme.StatusValid:
		return nil // from an earlier order
	case acme.StatusPending:
	default:
		return fmt.Errorf("the authorization for %s is %s; try again", name, printable(authz.Status))
	}
	challenge, ok := pick(authz.Challenges, s.solver.kind())
	if !ok {
		return fmt.Errorf("unable to validate any challenges for identifier: %s; the server does not offer %s for it", name, s.solver.kind())
	}
	if !validToken(challenge.Token) {
		return fmt.Errorf("the server sent %q as a token for %s, which is not base64url (RFC 8555 §8)", challenge.Token, name)
	}
	if _, ok := s.solver.(*attestedKey); ok {
		name = strconv.Quote(name) // which is any text
	}
	fmt.Fprintf(s.env.Stderr, "Using %s challenge to validate %s .", s.solver.mode(), name)
	err = s.solve(ctx, authz, challenge)
	if s.finish(err); err != nil {
		return acmeError("Unable to validate challenge", err)
	}
	return nil
}

// maxToken bounds a token, in octets: it becomes the name of a file.
const maxToken = 200

// validToken reports whether a token has nothing but the base64url alphabet in it
// (RFC 8555 §8).
func validToken(token string) bool {
	foreign := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}
	return token != "" && len(token) <= maxToken && !strings.ContainsFunc(token, foreign)
}

// pick returns the challenge of a type.
func pick(challenges []acme.Challenge, kind string) (acme.Challenge, bool) {
	for _, c := range challenges {
		if c.Type == kind {
			return c, true
		}
	}
	return acme.Challenge{}, false
}

// solve answers a challenge and waits for the server's verdict.
func (s *acmeSession) solve(ctx context.Context, authz acme.Authorization, challenge acme.Challenge) (err error) {
	if err := s.solver.present(ctx, challenge); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.solver.cleanUp(context.WithoutCancel(ctx), challenge)) }()
	if solver, ok := s.solver.(payloadSolver); ok {
		if challenge.Payload, err = solver.payload(ctx, challenge); err != nil {
			return err
		}
	}
	if _, err := s.client.InitiateChallenge(ctx, s.account, challenge); err != nil {
		return err
	}
	return s.verdict(ctx, authz.Location, challenge)
}

// verdict waits until the server has decided about an authorization. The error is
// what the server said last.
func (s *acmeSession) verdict(ctx context.Context, url string, challenge acme.Challenge) error {
	var last error
	for _, wait := range acmeWaits {
		if err := s.pause(ctx, wait); err != nil {
			return err
		}
		authz, err := s.client.GetAuthorization(ctx, s.account, url)
		if err != nil {
			return err
		}
		current, _ := pick(authz.Challenges, challenge.Type)
		if current.Error != nil {
			last = *current.Error
		}
		switch {
		case authz.Status == acme.StatusValid:
			return nil
		case authz.Status != acme.StatusPending, current.Status == acme.StatusInvalid:
			if last == nil {
				last = fmt.Errorf("the authorization is %s", printable(authz.Status))
			}
			return last
		case current.Status == acme.StatusPending && current.Error != nil:
			// Servers that do not try again by themselves wait for this.
			if _, err := s.client.InitiateChallenge(ctx, s.account, challenge); err != nil {
				return err
			}
		}
	}
	if last == nil {
		last = errors.New("the server does not decide")
	}
	return last
}
