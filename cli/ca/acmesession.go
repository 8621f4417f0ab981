package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/mholt/acmez/v3/acme"

	"stepca/cli"
	"stepca/keyfile"
)

// acmeWaits are the pauses between looks at an authorization: most servers
// validate at once, others within a minute.
var acmeWaits = []time.Duration{
	50 * time.Millisecond, 150 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
	5 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second,
	5 * time.Second, 10 * time.Second, 10 * time.Second, 10 * time.Second,
}

// An acmeSession gets one certificate for an account.
type acmeSession struct {
	env     *cli.Env
	client  *acme.Client
	account acme.Account
	solver  acmeSolver
}

// obtain orders the certificate, proves the names, and returns the chain.
func (s *acmeSession) obtain(ctx context.Context, order acme.Order, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	order, err := s.order(ctx, order)
	if err != nil {
		return nil, acmeError("Unable to create order", err)
	}
	if err := s.authorizeAll(ctx, order.Authorizations); err != nil {
		return nil, err
	}
	if order, err = s.ready(ctx, order); err != nil {
		return nil, err
	}
	fmt.Fprint(s.env.Stderr, "Finalizing Order .")
	order, err = s.client.FinalizeOrder(ctx, s.account, order, csr.Raw)
	if s.finish(err); err != nil {
		return nil, acmeError("Unable to finalize order", err)
	}
	chains, err := s.client.GetCertificateChain(ctx, s.account, order.Certificate)
	if err != nil {
		return nil, acmeError("Unable to download the certificate", err)
	}
	return keyfile.ParseCertificates(order.Certificate, chains[0].ChainPEM)
}

// authorizeAll proves the names of an order.
func (s *acmeSession) authorizeAll(ctx context.Context, urls []string) (err error) {
	defer func() { err = errors.Join(err, s.solver.stop()) }()
	for i, url := range urls {
		if err := s.authorize(ctx, url); err != nil {
			s.takeBack(ctx, urls[i:])
			return err
		}
	}
	return nil
}

// order makes the order. That it replaces a certificate is a courtesy (RFC 9773 §5):
// if the server has another opinion on that, it is left out. Servers that do not find
// the certificate may call that an error of their own, as Pebble does.
func (s *acmeSession) order(ctx context.Context, order acme.Order) (acme.Order, error) {
	made, err := s.client.NewOrder(ctx, s.account, order)
	problem, ok := errors.AsType[acme.Problem](err)
	if !ok || order.Replaces == "" {
		return made, err
	}
	switch problem.Type {
	case acme.ProblemTypeAlreadyReplaced, acme.ProblemTypeMalformed, acme.ProblemTypeUnauthorized, acme.ProblemTypeServerInternal:
		order.Replaces = ""
		return s.client.NewOrder(ctx, s.account, order)
	}
	return made, err
}

// takeBackTime bounds how long a failed order keeps the user waiting.
const takeBackTime = 5 * time.Second

// takeBack deactivates authorizations that are not going to be used, of which
// servers allow so many. It is the server that profits: failures do not matter.
func (s *acmeSession) takeBack(ctx context.Context, urls []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTime)
	defer cancel()
	for _, url := range urls {
		authz, err := s.client.GetAuthorization(ctx, s.account, url)
		if err == nil && authz.Status == acme.StatusPending {
			s.client.DeactivateAuthorization(ctx, s.account, url)
		}
	}
}

// ready waits until the server has seen that all names are proved.
func (s *acmeSession) ready(ctx context.Context, order acme.Order) (acme.Order, error) {
	const what = "Unable to validate order"
	fmt.Fprint(s.env.Stderr, "Waiting for Order to be 'ready' for finalization .")
	var err error
	for _, wait := range acmeWaits {
		if order, err = s.client.GetOrder(ctx, s.account, order); err != nil {
			break
		}
		switch order.Status {
		case acme.StatusReady, acme.StatusValid:
			s.finish(nil)
			return order, nil
		case acme.StatusInvalid:
			err = errors.New("the order is invalid")
			if order.Error != nil {
				err = *order.Error
			}
			s.finish(err)
			return order, acmeError(what, err)
		}
		if err = s.pause(ctx, wait); err != nil {
			break
		}
	}
	if err == nil {
		err = fmt.Errorf("it is still %s", printable(order.Status))
	}
	s.finish(err)
	return order, acmeError(what, err)
}

// pause waits and shows it.
func (s *acmeSession) pause(ctx context.Context, d time.Duration) error {
	fmt.Fprint(s.env.Stderr, ".")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// finish ends a line of progress.
func (s *acmeSession) finish(err error) {
	if err != nil {
		fmt.Fprint(s.env.Stderr, " Error!\n\n")
		return
	}
	fmt.Fprint(s.env.Stderr, " done!\n")
}
