package ca

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// acmeFlags hold the flags of the ACME flow, of which there are none: this
// version gets certificates with tokens only.
type acmeFlags struct{}

func (*acmeFlags) define(*cobra.Command) {}

// acmeCertificate would get a certificate from an ACME provisioner.
func (f *certificateFlags) acmeCertificate(_ context.Context, _ *cli.Env, g *grant, _, _, _ string, _ keyfile.KeySpec) error {
	return errACME(g)
}

// acmeSign would get a certificate for a request from an ACME provisioner.
func (f *signFlags) acmeSign(_ context.Context, _ *cli.Env, g *grant, _ *x509.CertificateRequest, _ string) error {
	return errACME(g)
}

func errACME(g *grant) error {
	return fmt.Errorf("provisioner '%s' is of type ACME, which this command does not speak; use an ACME client with the directory %s/acme/%s/directory, or another provisioner",
		g.acme.Name, g.client.URL(), g.acme.Name)
}
