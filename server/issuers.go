package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"stepca/config"
	"stepca/issue"
	"stepca/keyfile"
	"stepca/kms"
)

// loadBundles reads the certificates of several PEM files, in order.
func loadBundles(files []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, name := range files {
		certs, err := keyfile.LoadCertificates(name)
		if err != nil {
			return nil, err
		}
		all = append(all, certs...)
	}
	return all, nil
}

// openIssuers opens the keys of all issuers, and adds their roots to those of the
// authority.
func (s *Server) openIssuers(ctx context.Context, a *authority) ([]*issue.Authority, error) {
	var issuers []*issue.Authority
	for _, is := range a.cfg.AllIssuers() {
		issuer, err := s.openIssuer(ctx, a, &is)
		if err != nil && is.Name != config.DefaultIssuer { // whose keys are not in a list
			err = fmt.Errorf("issuer %q: %w", is.Name, err)
		}
		if err != nil {
			return nil, err
		}
		issuers = append(issuers, issuer)
	}
	return issuers, nil
}

// openIssuer opens one issuer.
func (s *Server) openIssuer(ctx context.Context, a *authority, is *config.Issuer) (*issue.Authority, error) {
	roots, err := loadBundles(is.Root)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	chain, err := keyfile.LoadCertificates(is.Crt)
	if err != nil {
		return nil, fmt.Errorf("crt: %w", err)
	}
	key, err := s.openIssuerKey(ctx, a, is)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if err := keyfile.CheckPair(chain[0], key); err != nil {
		return nil, fmt.Errorf("key: %s and %s do not belong together: %w", is.Crt, is.Key, err)
	}
	if now := time.Now(); now.After(chain[0].NotAfter) {
		return nil, fmt.Errorf("crt: %s expired on %s: renew it with the root key (step certificate sign) and start again",
			is.Crt, chain[0].NotAfter.Format(time.RFC3339))
	}
	issuer := &issue.Authority{
		Name: is.Name, Chain: chain, Roots: slices.Concat(roots, a.roots), State: issue.State(is.State), Key: key,
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: pool(issuer.Roots), Intermediates: pool(chain[1:]), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil { // it starts, as the reference does: clients may trust another root
		s.log.Warn("no client that trusts a root of this CA will trust what the issuer signs", "issuer", is.Name, "certificate", is.Crt, "error", err)
	}
	if is.AIA != nil {
		issuer.Pointers = issue.Pointers{OCSPServer: is.AIA.OCSP, IssuingCertificateURL: is.AIA.CAIssuers, CRLDistributionPoints: is.AIA.CRL}
	}
	a.roots = slices.Concat(a.roots, roots)
	return issuer, nil
}

// openIssuerKey opens the key of an issuer, which may have a password of its own.
func (s *Server) openIssuerKey(ctx context.Context, a *authority, is *config.Issuer) (kms.Signer, error) {
	own, place := is.Password, "as \"password\" of this issuer in "+a.cfg.File()
	if own.IsZero() || own.Equal(a.cfg.Password) {
		own, place = keyfile.Secret{}, "with --password-file, or as \"password\" in "+a.cfg.File()
	}
	key, err := s.openKey(ctx, a, is.Key, own)
	if errors.Is(err, keyfile.ErrPassword) {
		err = fmt.Errorf("%w: give the password of this key %s", err, place)
	}
	return key, err
}
