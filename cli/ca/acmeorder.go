package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

// acmePath is where the ACME servers of an authority are.
const acmePath = "/acme/"

// acmeDirectory returns the directory of the ACME provisioner of that name.
func acmeDirectory(c *client.Client, provisioner string) string {
	return c.URL() + acmePath + url.PathEscape(provisioner) + "/directory"
}

// orderNamed orders the certificate of a request for the names in it, and keeps how.
func (f *issuance) orderNamed(ctx context.Context, env *cli.Env, g *grant, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	names := requestNames(csr)
	if cn := csr.Subject.CommonName; cn != "" {
		names = append(names, cn)
	}
	ids, err := f.acme.identifiers(names)
	if err != nil {
		return nil, err
	}
	chain, err := f.order(ctx, env, g, f.acme.solver(env), ids, csr)
	if err != nil {
		return nil, err
	}
	f.remember(env, g, chain[0])
	return chain, nil
}

// order orders the certificate of a request, with the solver to prove the
// identifiers, and returns its chain, leaf first.
func (f *issuance) order(ctx context.Context, env *cli.Env, g *grant, solver acmeSolver, ids []acme.Identifier, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	notBefore, notAfter, err := f.orderValidity(env, g.directory)
	if err != nil {
		return nil, err
	}
	server, err := newACMEClient(env, &f.acme, &f.conn, g.client, g.directory)
	if err != nil {
		return nil, err
	}
	defer server.close()
	return server.order(ctx, solver, acme.Order{Identifiers: ids, NotBefore: notBefore, NotAfter: notAfter, Profile: f.acme.profile}, csr)
}

// remember keeps how a certificate was ordered, for step ca renew and revoke.
func (f *issuance) remember(env *cli.Env, g *grant, crt *x509.Certificate) {
	_, notAfter, err := f.orderValidity(env, g.directory)
	var lifetime time.Duration
	if notAfter != nil {
		lifetime = notAfter.Sub(env.Now()).Round(time.Minute)
	}
	var rec *acmeRecord
	if err == nil {
		rec, err = f.acme.record(g.directory, []string{f.conn.Root}, lifetime)
	}
	if err != nil {
		env.Noticef(notKept, err)
		return
	}
	rec.save(env, crt)
}

// orderValidity returns the validity to ask for; nil leaves it to the server.
func (f *issuance) orderValidity(env *cli.Env, directory string) (notBefore, notAfter *time.Time, err error) {
	before, after, err := authority.Validity(&f.validity)
	if err != nil {
		return nil, nil, err
	}
	if (!before.IsZero() || !after.IsZero()) && strings.Contains(directory, "letsencrypt") {
		return nil, nil, errors.New("flags '--not-before' and '--not-after' are not supported by Let's Encrypt")
	}
	now := env.Now()
	at := func(t nouns.TimeOrDuration, base time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		v := t.At(base).UTC().Truncate(time.Second)
		return &v
	}
	if notBefore = at(before, now); notBefore != nil {
		now = *notBefore
	}
	return notBefore, at(after, now), nil
}
