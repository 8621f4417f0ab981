package certificate

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/ca"
	"stepca/cli"
	"stepca/keyfile"
	"stepca/template"
)

// signFlags are the flags of step certificate sign.
type signFlags struct {
	cmd                        *cobra.Command
	profile, template          string
	passwordFile, kms          string
	pathLen                    int
	omitCNSAN, bundle          bool
	validity                   cli.ValidityFlags
	user                       cli.UserDataFlags
	csrFile, caFile, caKeyFile string
}

func sign(env *cli.Env) *cobra.Command {
	f := &signFlags{}
	f.cmd = &cobra.Command{
		Use:   "sign <csr-file> <crt-file> <key-file>",
		Short: "sign a certificate request",
		Long: `**step certificate sign** signs a certificate request with the certificate and key of
an issuer, and prints the certificate.

## POSITIONAL ARGUMENTS
<csr-file>
    The file with the certificate request.

<crt-file>
    The file with the certificate of the issuer, followed by its intermediates if any.

<key-file>
    The file or KMS URI of the issuer's private key.`,
		Example: `Sign a leaf:
$ step certificate sign leaf.csr intermediate.crt intermediate.key

Sign an intermediate below which there can be one more:
$ step certificate sign --profile intermediate-ca --path-len 1 intermediate.csr root.crt root.key`,
		Args: cli.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.csrFile, f.caFile, f.caKeyFile = args[0], args[1], args[2]
			return f.run(cmd.Context(), env)
		},
	}
	flags := f.cmd.Flags()
	flags.StringVar(&f.profile, "profile", profileLeaf, "the `kind` of certificate: leaf, intermediate-ca, or csr for what the request asks")
	flags.StringVar(&f.template, "template", "", "the `file` with a template for the certificate")
	flags.StringVar(&f.passwordFile, "password-file", "", "the `file` with the password of the issuer's key")
	flags.StringVar(&f.kms, "kms", "", "the `URI` of the key management system with the issuer's key")
	flags.IntVar(&f.pathLen, "path-len", 0, "how many intermediates an intermediate-ca can have below it; -1 sets no limit")
	flags.BoolVar(&f.omitCNSAN, "omit-cn-san", false, "do not make the common name a subject alternative name if the request has none")
	flags.BoolVar(&f.bundle, "bundle", false, "print the certificates of the issuer after the certificate")
	f.validity.Define(f.cmd)
	f.user.Define(f.cmd)
	return f.cmd
}

func (f *signFlags) run(ctx context.Context, env *cli.Env) error {
	if err := f.check(); err != nil {
		return err
	}
	csr, err := keyfile.LoadCertificateRequest(f.csrFile)
	if err != nil {
		return err
	}
	if err := csr.CheckSignature(); err != nil {
		return fmt.Errorf("certificate request has invalid signature: %w", err)
	}
	chain, err := keyfile.LoadCertificates(f.caFile)
	if err != nil {
		return err
	}
	if err := f.checkIssuer(chain[0]); err != nil {
		return err
	}
	signer, err := loadIssuer(ctx, env, chain, f.kms, f.caKeyFile, env.Password(f.passwordFile, "password-file"))
	if err != nil {
		return err
	}
	tbs, err := f.contents(env, csr)
	if err != nil {
		return err
	}
	lifetime := leafLifetime
	if f.template == "" && f.profile == profileIntermediate {
		lifetime = caLifetime
	}
	cert, err := signer.sign(env, tbs, csr.PublicKey, lifetime)
	if err != nil {
		return err
	}
	certs := []*x509.Certificate{cert}
	if f.bundle {
		certs = append(certs, chain...)
	}
	_, err = env.Stdout.Write(keyfile.EncodeCertificates(certs...))
	return err
}

func (f *signFlags) check() error {
	switch {
	case f.cmd.Flags().Changed("profile") && f.template != "":
		return cli.IncompatibleFlags("profile", "template")
	case f.pathLen < -1:
		return cli.InvalidValueReason("path-len", fmt.Sprint(f.pathLen), "path-len must be -1 or greater")
	}
	switch f.profile {
	case profileLeaf, profileIntermediate, profileCSR:
		return nil
	}
	return cli.InvalidValue("profile", f.profile, profileLeaf, profileIntermediate, profileCSR)
}

// checkIssuer refuses issuers whose certificates would not be valid.
func (f *signFlags) checkIssuer(issuer *x509.Certificate) error {
	hasPathLen := issuer.MaxPathLen > 0 || issuer.MaxPathLenZero
	switch {
	case !issuer.IsCA:
		return errors.New("issuer certificate is not a certificate authority")
	case issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("issuer certificate does not have the keyCertSign usage")
	case f.profile != profileIntermediate || !hasPathLen:
		return nil
	case issuer.MaxPathLen == 0:
		return errors.New("issuer certificate cannot sign an intermediate-ca: pathLenConstraint is 0")
	case f.pathLen < 0 || f.pathLen >= issuer.MaxPathLen:
		return fmt.Errorf("issuer certificate cannot sign an intermediate-ca: pathLenConstraint is %d, want at most %d",
			f.pathLen, issuer.MaxPathLen-1)
	}
	return nil
}

// contents are those of the profile or template, with the validity of the flags.
func (f *signFlags) contents(env *cli.Env, csr *x509.CertificateRequest) (*x509.Certificate, error) {
	tbs, err := f.render(env, csr)
	if err != nil {
		return nil, err
	}
	return tbs, f.validity.Apply(env, tbs)
}

func (f *signFlags) render(env *cli.Env, csr *x509.CertificateRequest) (*x509.Certificate, error) {
	request := template.NewCertificateRequest(csr)
	data := &template.X509Data{
		Subject: request.Subject,
		SANs:    template.NewSANs(f.names(csr)),
		CR:      request,
	}
	var tmpl *template.X509
	var err error
	switch {
	case f.template != "":
		tmpl, err = f.custom(env, data)
	case f.profile == profileIntermediate:
		tmpl, err = template.DefaultX509(template.Intermediate)
	case f.profile == profileCSR:
		tmpl, err = template.DefaultX509(template.Copy)
	default:
		tmpl, err = template.DefaultX509(ca.TemplateLeaf)
	}
	if err != nil {
		return nil, err
	}
	rendered, err := tmpl.Render(data)
	if err != nil {
		return nil, err
	}
	if f.template == "" {
		f.adjust(rendered, csr)
	}
	return rendered.X509()
}

// adjust does what no built-in template does: a leaf keeps its subject as it is
// encoded, and an intermediate has the path length of the flag.
func (f *signFlags) adjust(rendered *template.Certificate, csr *x509.CertificateRequest) {
	switch f.profile {
	case profileLeaf:
		rendered.RawSubject = csr.RawSubject
	case profileIntermediate:
		rendered.BasicConstraints = &template.BasicConstraints{IsCA: true, MaxPathLen: f.pathLen}
	}
}

// custom parses --template, which alone sees the values of --set.
func (f *signFlags) custom(env *cli.Env, data *template.X509Data) (*template.X509, error) {
	text, err := env.ReadFile(f.template)
	if err != nil {
		return nil, err
	}
	if data.User, err = f.user.JSON(env); err != nil {
		return nil, err
	}
	return template.ParseX509(string(text))
}

// names are those of the request, or its common name if it has none.
func (f *signFlags) names(csr *x509.CertificateRequest) []ca.Identifier {
	names := ca.CSRNames(csr)
	if len(names) == 0 && !f.omitCNSAN && csr.Subject.CommonName != "" {
		return ca.ParseSANs([]string{csr.Subject.CommonName})
	}
	return names
}
