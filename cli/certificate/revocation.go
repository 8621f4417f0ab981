package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/crypto/ocsp"

	"stepca/cli"
	"stepca/keyfile"
)

// A revocationCheck asks whether one certificate was revoked.
type revocationCheck struct {
	env          *cli.Env
	http         *http.Client
	leaf, issuer *x509.Certificate
	crlEndpoint  string // instead of the leaf's own; empty uses these
	ocspEndpoint string
	insecure     bool // take a CRL without a valid signature
	say          func(format string, args ...any)
}

// Limits of downloads.
const (
	downloadTimeout = 30 * time.Second
	maxDownload     = 64 << 20 // bytes; large CRLs have some tens of megabytes
)

// newHTTPClient trusts the roots, nil being those of the system.
func newHTTPClient(roots *x509.CertPool, env *cli.Env) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: env.Now}
	return &http.Client{Timeout: downloadTimeout, Transport: transport}
}

// findIssuer takes the issuer from the file, else from a verified chain, else
// from where the certificate says it can be downloaded.
func (r *revocationCheck) findIssuer(ctx context.Context, file string, chains [][]*x509.Certificate) error {
	if file != "" {
		certs, err := keyfile.LoadCertificates(file)
		if err != nil {
			return fmt.Errorf("unable to load the issuing CA certificate file: %w", err)
		}
		r.issuer = certs[0]
		return nil
	}
	for _, chain := range chains {
		if len(chain) > 1 {
			r.issuer = chain[1]
			return nil
		}
	}
	if len(r.leaf.IssuingCertificateURL) == 0 {
		return errors.New("could not get the issuing CA from the cert and no issuing CA certificate provided")
	}
	der, err := r.get(ctx, r.leaf.IssuingCertificateURL[0])
	if err != nil {
		return fmt.Errorf("failed to download the issuing CA: %w", err)
	}
	if r.issuer, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("failed to parse the issuing CA: %w", err)
	}
	return nil
}

// checkCRL looks for the leaf in the first revocation list that can be used.
func (r *revocationCheck) checkCRL(ctx context.Context) error {
	endpoints := r.leaf.CRLDistributionPoints
	if r.crlEndpoint != "" {
		endpoints = []string{r.crlEndpoint}
	}
	if len(endpoints) == 0 {
		return errors.New("CRL distribution endpoint not found in certificate")
	}
	var reasons []error
	for _, endpoint := range endpoints {
		list, err := r.downloadCRL(ctx, endpoint)
		if err != nil {
			reasons = append(reasons, fmt.Errorf("%s: %w", endpoint, err))
			continue
		}
		for _, entry := range list.RevokedCertificateEntries {
			if entry.SerialNumber.Cmp(r.leaf.SerialNumber) == 0 {
				return fmt.Errorf("certificate marked as revoked in CRL %s", endpoint)
			}
		}
		r.say("certificate not revoked in CRL %s", endpoint)
		return nil
	}
	return fmt.Errorf("could not verify certificate against CRL distribution point(s): %w", errors.Join(reasons...))
}

func (r *revocationCheck) downloadCRL(ctx context.Context, endpoint string) (*x509.RevocationList, error) {
	data, err := r.get(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	list, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, err
	}
	if !r.insecure {
		if err := list.CheckSignatureFrom(r.issuer); err != nil {
			return nil, err
		}
	}
	switch now := r.env.Now(); {
	case now.Before(list.ThisUpdate):
		return nil, fmt.Errorf("the list is valid from %s", list.ThisUpdate)
	case !list.NextUpdate.IsZero() && now.After(list.NextUpdate):
		return nil, fmt.Errorf("the list expired on %s", list.NextUpdate)
	}
	return list, nil
}

// checkOCSP asks the responders in turn until one answers (RFC 6960).
func (r *revocationCheck) checkOCSP(ctx context.Context) error {
	endpoints := r.leaf.OCSPServer
	if r.ocspEndpoint != "" {
		endpoints = []string{r.ocspEndpoint}
	}
	if len(endpoints) == 0 {
		return errors.New("no OCSP AIA extension found")
	}
	request, err := ocsp.CreateRequest(r.leaf, r.issuer, nil)
	if err != nil {
		return err
	}
	var reasons []error
	for _, endpoint := range endpoints {
		response, err := r.askOCSP(ctx, endpoint, request)
		if err != nil {
			reasons = append(reasons, fmt.Errorf("%s: %w", endpoint, err))
			continue
		}
		switch response.Status {
		case ocsp.Good:
			r.say("certificate status is good according OCSP %s", endpoint)
			return nil
		case ocsp.Revoked:
			return fmt.Errorf("certificate has been revoked according to OCSP %s", endpoint)
		}
		return fmt.Errorf("certificate status is unknown according to OCSP %s", endpoint)
	}
	return fmt.Errorf("could not verify certificate against OCSP server(s): %w", errors.Join(reasons...))
}

func (r *revocationCheck) askOCSP(ctx context.Context, endpoint string, request []byte) (*ocsp.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	der, err := r.do(req)
	if err != nil {
		return nil, err
	}
	response, err := ocsp.ParseResponseForCert(der, r.leaf, r.issuer)
	if err != nil {
		return nil, err
	}
	switch now := r.env.Now(); {
	case now.Before(response.ThisUpdate):
		return nil, fmt.Errorf("the answer is valid from %s", response.ThisUpdate)
	case !response.NextUpdate.IsZero() && now.After(response.NextUpdate):
		return nil, fmt.Errorf("the answer expired on %s", response.NextUpdate)
	}
	return response, nil
}

func (r *revocationCheck) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return r.do(req)
}

func (r *revocationCheck) do(req *http.Request) ([]byte, error) {
	req.Header.Set("User-Agent", "step-cli")
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return nil, fmt.Errorf("the server answered %s", resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDownload+1))
	if err == nil && len(b) > maxDownload {
		err = fmt.Errorf("the answer is larger than %d bytes", maxDownload)
	}
	return b, err
}
