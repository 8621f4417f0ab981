package certificate

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// Profiles of certificates.
const (
	profileLeaf         = "leaf"
	profileSelfSigned   = "self-signed"
	profileIntermediate = "intermediate-ca"
	profileRoot         = "root-ca"
	profileCSR          = "csr" // step certificate sign only
)

// createFlags are the flags of step certificate create.
type createFlags struct {
	cmd                        *cobra.Command
	csr, bundle                bool
	profile                    string
	sans                       []string
	ca, caKMS, caKey           string
	caPasswordFile             string
	key, kms                   string
	passwordFile               string
	skipCSRSignature           bool
	noPassword, force          bool
	subtle, insecure           bool
	template                   string
	validity                   cli.ValidityFlags
	newKey                     cli.KeyFlags
	user                       cli.UserDataFlags
	subject, certFile, keyFile string // positional; keyFile may be ""
}

func create(env *cli.Env) *cobra.Command {
	f := &createFlags{}
	f.cmd = &cobra.Command{
		Use:   "create <subject> <crt-file> <key-file>",
		Short: "create a certificate or certificate request",
		Long: `**step certificate create** creates a certificate or, with --csr, a certificate
request, with a new key or the one that --key names. A leaf (the default profile) and an
intermediate-ca are signed by the issuer that --ca and --ca-key name; a root-ca and a
self-signed certificate sign themselves.

## POSITIONAL ARGUMENTS
<subject>
    The common name, which is also the only subject alternative name of a leaf if
    there is no --san.

<crt-file>
    The file for the certificate or request.

<key-file>
    The file for the private key; it may be left out with --key.`,
		Example: `Create a root, an intermediate and a leaf:
$ step certificate create --profile root-ca "Example Root CA" root.crt root.key
$ step certificate create --profile intermediate-ca --ca root.crt --ca-key root.key \
  "Example Intermediate CA" intermediate.crt intermediate.key
$ step certificate create --ca intermediate.crt --ca-key intermediate.key --bundle \
  example.com example.crt example.key

Create a request with two names:
$ step certificate create --csr --san example.com --san www.example.com \
  example.com example.csr example.key`,
		Args: cli.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.subject, f.certFile = args[0], args[1]
			if len(args) == 3 {
				f.keyFile = args[2]
			}
			return f.run(cmd.Context(), env)
		},
	}
	f.define()
	return f.cmd
}

func (f *createFlags) define() {
	flags := f.cmd.Flags()
	flags.BoolVar(&f.csr, "csr", false, "create a certificate request")
	flags.StringVar(&f.profile, "profile", profileLeaf, "the `kind` of certificate: leaf, self-signed, intermediate-ca or root-ca")
	flags.StringArrayVar(&f.sans, "san", nil, "a subject alternative `name`: DNS name, IP address, email address or URI, repeatable")
	flags.StringVar(&f.ca, "ca", "", "the `file` with the certificate of the issuer")
	flags.StringVar(&f.caKMS, "ca-kms", "", "the `URI` of the key management system with the issuer's key")
	flags.StringVar(&f.caKey, "ca-key", "", "the `file` or KMS URI of the issuer's key")
	flags.StringVar(&f.caPasswordFile, "ca-password-file", "", "the `file` with the password of the issuer's key")
	flags.StringVar(&f.key, "key", "", "the `file` or KMS URI of the key to certify, instead of a new one")
	flags.StringVar(&f.kms, "kms", "", "the `URI` of the key management system with the key")
	flags.StringVar(&f.passwordFile, "password-file", "", "the `file` with the password of the key")
	flags.BoolVar(&f.bundle, "bundle", false, "append the certificate of the issuer to a leaf")
	flags.BoolVar(&f.skipCSRSignature, "skip-csr-signature", false, "do not make and sign a request first, which a public key as --key cannot")
	flags.BoolVar(&f.noPassword, "no-password", false, "do not encrypt the private key; needs --insecure")
	flags.StringVar(&f.template, "template", "", "the `file` with a template for the certificate")
	f.validity.Define(f.cmd)
	f.newKey.Define(f.cmd)
	f.user.Define(f.cmd)
	cli.Force(f.cmd, &f.force)
	cli.Insecure(f.cmd, &f.insecure)
	cli.Subtle(f.cmd, &f.subtle)
}

func (f *createFlags) run(ctx context.Context, env *cli.Env) error {
	if err := f.check(); err != nil {
		return err
	}
	tmpl, err := f.loadTemplate(env)
	if err != nil {
		return err
	}
	priv, pub, err := f.loadOrGenerate(ctx, env)
	if err != nil {
		return err
	}
	if priv == nil && !f.csr && !f.skipCSRSignature {
		return errors.New("flag '--skip-csr-signature' is required with a public key")
	}
	if f.csr {
		return f.createRequest(env, tmpl, priv)
	}
	return f.createCertificate(ctx, env, tmpl, priv, pub)
}

// check refuses combinations of flags, in the order that scripts know.
func (f *createFlags) check() error {
	set := f.cmd.Flags().Changed
	switch {
	case f.keyFile == "" && f.key == "":
		return cli.TooFewArgs(f.cmd)
	case f.noPassword && !f.insecure:
		return cli.FlagRequiresInsecure("no-password")
	case f.certFile == f.keyFile:
		return cli.EqualArgs(f.cmd, "crt-file", "key-file")
	case set("profile") && f.template != "":
		return cli.IncompatibleFlags("profile", "template")
	case f.csr && f.skipCSRSignature:
		return cli.IncompatibleFlags("csr", "skip-csr-signature")
	case f.key != "" && f.newKey.Used() != "":
		return cli.IncompatibleFlagWith("key", f.newKey.Used())
	}
	if f.csr {
		return f.checkRequest()
	}
	return f.checkProfile()
}

func (f *createFlags) checkRequest() error {
	if f.profile != profileLeaf {
		return cli.IncompatibleFlags("profile", "csr")
	}
	for _, name := range []string{"bundle", "ca", "ca-key", "ca-password-file", "not-before", "not-after"} {
		if f.cmd.Flags().Changed(name) {
			return cli.IncompatibleFlags(name, "csr")
		}
	}
	return nil
}

func (f *createFlags) checkProfile() error {
	needsIssuer := false
	switch f.profile {
	case profileLeaf:
		needsIssuer = f.template == "" || f.ca != "" || f.caKey != ""
	case profileIntermediate:
		needsIssuer = true
	case profileRoot:
	case profileSelfSigned:
		if !f.subtle {
			return cli.RequiredWithFlagValue("profile", f.profile, "subtle")
		}
	default:
		return cli.InvalidValue("profile", f.profile, profileLeaf, profileIntermediate, profileRoot, profileSelfSigned)
	}
	for _, name := range []string{"ca", "ca-key"} {
		value, err := f.cmd.Flags().GetString(name)
		switch {
		case err != nil:
			return err
		case needsIssuer && value == "":
			return cli.RequiredWithFlagValue("profile", f.profile, name)
		case !needsIssuer && value != "":
			return cli.IncompatibleFlagValue(name, "profile", f.profile)
		}
	}
	if f.bundle && f.profile != profileLeaf {
		return cli.IncompatibleFlagValue("bundle", "profile", f.profile)
	}
	return nil
}

// loadOrGenerate returns the key to certify. priv is nil if --key names a public key.
func (f *createFlags) loadOrGenerate(ctx context.Context, env *cli.Env) (priv crypto.Signer, pub crypto.PublicKey, err error) {
	if f.key == "" {
		if priv, err = f.newKey.Generate(f.insecure); err != nil {
			return nil, nil, err
		}
		return priv, priv.Public(), nil
	}
	data, err := keyfile.ReadFile(f.key)
	switch {
	case f.kms != "" || errors.Is(err, fs.ErrNotExist):
		priv, err = env.LoadSigner(ctx, f.kms, f.key, keyfile.Password{})
	case err != nil:
		return nil, nil, err
	case bytes.Contains(data, []byte("PUBLIC KEY-----")):
		if f.csr {
			return nil, nil, errors.New("invalid value for flag --key: a private key is required")
		}
		pub, err = keyfile.ParsePublicKey(f.key, data, keyfile.Password{})
		return nil, pub, err
	default:
		priv, err = keyfile.ParseSigner(f.key, data, env.Password(f.passwordFile, "password-file"))
	}
	if err != nil {
		return nil, nil, err
	}
	return priv, priv.Public(), nil
}

// saveKey writes the private key, encrypted unless --no-password is set.
func (f *createFlags) saveKey(env *cli.Env, key crypto.Signer) (saved bool, err error) {
	if f.keyFile == "" || key == nil || cli.IsKMSKey(key) {
		return false, nil
	}
	var password []byte
	if !f.noPassword {
		password, err = env.ReadPassword(f.passwordFile, cli.Question{
			Label: "Please enter the password to encrypt the private key", Flag: "password-file",
			Validate: notEmpty,
		})
		if err != nil {
			return false, err
		}
	}
	data, err := keyfile.EncodePrivateKey(key, keyfile.Traditional, password)
	if err != nil {
		return false, err
	}
	return true, env.WriteFile(f.keyFile, data, 0o600, true) // asked before
}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("the password must not be empty")
	}
	return nil
}

// mayWrite asks before any file is overwritten.
func (f *createFlags) mayWrite(env *cli.Env) error {
	for _, name := range []string{f.keyFile, f.certFile} {
		if name == "" {
			continue
		}
		if err := env.MayWrite(name, f.force); err != nil {
			return err
		}
	}
	return nil
}
