package certificate

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

type verifyFlags struct {
	remote       remoteFlags
	host         string
	issuingCA    string
	ocsp, crl    bool
	ocspEndpoint string
	crlEndpoint  string
	verbose      bool
	insecure     bool
}

func verify(env *cli.Env) *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify <crt-file|url>",
		Short: "verify a certificate",
		Long: `**step certificate verify** checks that a certificate is valid now and leads to a
trusted root (RFC 5280 §6), and on request that it has the right name and is not
revoked. Without --verbose success is silent.

## POSITIONAL ARGUMENTS
<crt-file|url>
    A file with the certificate and its intermediates, or the URL of a TLS server.

## EXIT CODES
0: the certificate is valid.

1: it is not, or it could not be checked.`,
		Example: `Verify a certificate with one's own root:
$ step certificate verify --roots root_ca.crt example.crt

Verify the certificate of a server, its name and that it is not revoked:
$ step certificate verify --host example.com --verify-ocsp https://example.com`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.verify(cmd.Context(), env, args[0])
		},
	}
	flags.remote.define(cmd)
	cmd.Flags().StringVar(&flags.host, "host", "", "the `name` that the certificate must have")
	cmd.Flags().StringVar(&flags.issuingCA, "issuing-ca", "", "the `file` with the certificate of the issuer, for CRL and OCSP")
	cmd.Flags().BoolVar(&flags.ocsp, "verify-ocsp", false, "check the status with OCSP")
	cmd.Flags().StringVar(&flags.ocspEndpoint, "ocsp-endpoint", "", "the `URL` of the OCSP responder, instead of that in the certificate")
	cmd.Flags().BoolVar(&flags.crl, "verify-crl", false, "check the certificate revocation list")
	cmd.Flags().StringVar(&flags.crlEndpoint, "crl-endpoint", "", "the `URL` of the revocation list, instead of those in the certificate")
	cmd.Flags().BoolVarP(&flags.verbose, "verbose", "v", false, "print the result in words")
	cmd.Flags().BoolVar(&flags.insecure, "insecure", false, "do not verify the signature of the revocation list")
	return cmd
}

func (f *verifyFlags) verify(ctx context.Context, env *cli.Env, name string) error {
	say := func(format string, args ...any) {
		if f.verbose {
			fmt.Fprintf(env.Stdout, format+"\n", args...)
		}
	}
	var roots *x509.CertPool // nil: those of the system
	if f.remote.roots != "" {
		var err error
		if roots, err = loadPool(f.remote.roots); err != nil {
			return err
		}
	}
	certs, err := loadCertificates(ctx, env, &f.remote, name)
	if err != nil {
		return err
	}
	leaf := certs[0]
	intermediates := x509.NewCertPool()
	for _, cert := range certs[1:] {
		intermediates.AddCert(cert)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		DNSName:       f.host,
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   env.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("failed to verify certificate: %w", err)
	}
	say("certificate validated against roots")
	if f.host != "" {
		say("certificate host name validated")
	}
	if f.crl || f.ocsp {
		r := &revocationCheck{
			env: env, http: newHTTPClient(roots, env), leaf: leaf, say: say,
			crlEndpoint: f.crlEndpoint, ocspEndpoint: f.ocspEndpoint, insecure: f.insecure,
		}
		if err := r.findIssuer(ctx, f.issuingCA, chains); err != nil {
			return err
		}
		if f.crl {
			if err := r.checkCRL(ctx); err != nil {
				return err
			}
		}
		if f.ocsp {
			if err := r.checkOCSP(ctx); err != nil {
				return err
			}
		}
	}
	say("certficiate is valid") // compatible: scripts look for this spelling
	return nil
}
