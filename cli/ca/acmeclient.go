package ca

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mholt/acmez/v3/acme"

	ours "stepca/acme"
	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/ari"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// acmeRequestTimeout bounds one request to an ACME server. Finalizing may take a
// while where the key is in a slow module.
const acmeRequestTimeout = time.Minute

// An acmeClient uses one ACME server, as the flags say.
type acmeClient struct {
	*acme.Client
	env   *cli.Env
	flags *acmeFlags
}

// newACMEClient returns a client of the ACME server with that directory. It
// trusts the roots of the CA that the server belongs to; where that is nil, those
// of the system, of conn, and of the files that were used before. Close it
// afterwards.
func newACMEClient(env *cli.Env, flags *acmeFlags, conn *authority.Connection, ca *client.Client, directory string, before ...string) (*acmeClient, error) {
	if u, err := url.Parse(directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, cli.InvalidValueReason("acme", directory, "it must be the https URL of an ACME directory")
	}
	pool, err := acmeRoots(env, conn, ca, before)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &acmeClient{
		Client: &acme.Client{
			Directory:  directory,
			HTTPClient: &http.Client{Transport: boundedTransport{transport}, Timeout: acmeRequestTimeout},
			UserAgent:  env.UserAgent(),
		},
		env:   env,
		flags: flags,
	}, nil
}

// maxACMEBody bounds an answer of an ACME server, in bytes. Chains have some
// thousand.
const maxACMEBody = 4 << 20

// A boundedTransport cuts answers off at maxACMEBody: acmez reads them whole.
type boundedTransport struct{ *http.Transport }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxACMEBody)
	return resp, nil
}

func acmeRoots(env *cli.Env, conn *authority.Connection, ca *client.Client, before []string) (*x509.CertPool, error) {
	if ca != nil {
		pool := x509.NewCertPool()
		for _, root := range ca.TrustedRoots() {
			pool.AddCert(root)
		}
		return pool, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	files := slices.DeleteFunc(slices.Clone(before), func(name string) bool {
		_, err := os.Stat(name)
		return errors.Is(err, fs.ErrNotExist) // another root may have taken its place
	})
	if name, err := conn.RootFile(env, errors.New("none")); err == nil {
		files = append(files, name)
	}
	for _, name := range files {
		roots, err := keyfile.LoadCertificates(name)
		if err != nil {
			return nil, cli.FileError(err)
		}
		for _, root := range roots {
			pool.AddCert(root)
		}
	}
	return pool, nil
}

// close ends what the client left open.
func (a *acmeClient) close() { a.HTTPClient.CloseIdleConnections() }

// renewalInfo returns a client that asks the server when to renew.
func (a *acmeClient) renewalInfo() *ari.Client {
	return &ari.Client{Directory: a.Directory, HTTP: a.HTTPClient, UserAgent: a.UserAgent, Now: a.env.Now}
}

// directory reads the directory, once.
func (a *acmeClient) directory(ctx context.Context) (acme.Directory, error) {
	const what = "Unable to read the directory"
	directory, err := a.GetDirectory(ctx)
	if _, failed := errors.AsType[*url.Error](err); failed {
		err = acmeError(what, err)
	} else if err != nil {
		text := strings.TrimPrefix(err.Error(), "provisioning client: ")
		err = fmt.Errorf("%s: %s: %s", what, a.Directory, printable(strings.TrimSpace(text)))
	}
	return directory, err
}

// order gets a certificate, with the solver to prove the names. An interrupt ends it after what the proofs put up has
// been taken down; a second one ends the program.
func (a *acmeClient) order(ctx context.Context, solver acmeSolver, order acme.Order, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	signalled, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(signalled, stop)
	chain, err := a.obtain(signalled, solver, order, csr)
	switch {
	case err != nil && signalled.Err() != nil && ctx.Err() == nil:
		return nil, errors.New("interrupted")
	case err != nil:
		return nil, err
	case !keyfile.SamePublicKey(chain[0].PublicKey, csr.PublicKey):
		return nil, errors.New("the ACME server answered with a certificate for another key")
	}
	return chain, nil
}

func (a *acmeClient) obtain(ctx context.Context, solver acmeSolver, order acme.Order, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	if _, err := a.directory(ctx); err != nil {
		return nil, err
	}
	account, err := a.account(ctx)
	if err != nil {
		return nil, err
	}
	session := &acmeSession{env: a.env, solver: solver, client: a.Client, account: account}
	return session.obtain(ctx, order, csr)
}

// replace gets the successor of a certificate: for the same names and the key,
// with a lifetime to ask for, or zero.
func (a *acmeClient) replace(ctx context.Context, old *x509.Certificate, key crypto.Signer, lifetime time.Duration) ([]*x509.Certificate, error) {
	names := nouns.Names(old.DNSNames, old.IPAddresses, old.EmailAddresses, old.URIs)
	var values []string
	for _, name := range names {
		values = append(values, name.Value)
	}
	ids, err := a.flags.identifiers(values)
	if err != nil {
		return nil, err
	}
	commonName := old.Subject.CommonName
	if !slices.Contains(values, commonName) {
		commonName = "" // the server's own, and not a name to be proved
	}
	csr, err := client.NewCSR(key, commonName, names)
	if err != nil {
		return nil, err
	}
	order := acme.Order{Identifiers: ids, Profile: a.flags.profile}
	if lifetime > 0 {
		end := a.env.Now().Add(lifetime).UTC().Truncate(time.Second)
		order.NotAfter = &end
	}
	directory, err := a.directory(ctx)
	if err != nil {
		return nil, err
	}
	if directory.RenewalInfo != "" && len(old.AuthorityKeyId) > 0 {
		order.Replaces = ours.CertID(old)
	}
	return a.order(ctx, a.flags.solver(a.env), order, csr)
}

// revoke revokes a certificate in the name of its key, or if that is nil in the
// name of the stored account.
func (a *acmeClient) revoke(ctx context.Context, crt *x509.Certificate, key crypto.Signer, reason int) error {
	if _, err := a.directory(ctx); err != nil {
		return err
	}
	var account acme.Account
	if key == nil {
		var err error
		if account, err = a.storedAccount(ctx); err != nil {
			return err
		}
		if account.PrivateKey == nil {
			return fmt.Errorf("there is no account with %s in %s; use the '--key' flag with the key of the certificate", a.Directory, accountFile(a.env, a.Directory))
		}
	}
	if err := a.RevokeCertificate(ctx, account, crt, key, reason); err != nil {
		return acmeError("Unable to revoke the certificate", err)
	}
	return nil
}
