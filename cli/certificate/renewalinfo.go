package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	"stepca/cli"
	"stepca/cli/ari"
	"stepca/keyfile"
)

// suggestedDue asks the ACME server with that directory whether a certificate is
// due (RFC 9773). known is false if the server does not say; why is told then.
func (f *remoteFlags) suggestedDue(ctx context.Context, env *cli.Env, directory string, cert *x509.Certificate) (due, known bool, err error) {
	pool, err := f.acmeRoots(env)
	if err != nil {
		return false, false, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, ServerName: f.serverName}
	defer transport.CloseIdleConnections()
	server := &ari.Client{Directory: directory, HTTP: &http.Client{Transport: transport}, UserAgent: env.UserAgent(), Now: env.Now}
	suggestion, err := server.Ask(ctx, cert)
	switch {
	case errors.Is(err, ari.ErrUnsupported):
		return false, false, nil
	case err != nil:
		env.Noticef("The ACME server was asked in vain when to renew: %v", err)
		return false, false, nil
	case suggestion.Explanation != "":
		env.Noticef("The ACME server says why it suggests that time: %s", suggestion.Explanation)
	}
	return suggestion.Due(env.Now()), true, nil
}

// acmeRoots are those of --roots, or else of the system and of the authority in use.
func (f *remoteFlags) acmeRoots(env *cli.Env) (*x509.CertPool, error) {
	if f.roots != "" {
		return loadPool(f.roots)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	certs, err := keyfile.LoadCertificates(env.Path.Root())
	if err != nil {
		return pool, nil // there is no authority in use
	}
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}
