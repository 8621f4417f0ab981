package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/config"
	"stepca/config/pki"
)

// initFlags are those of step ca init.
type initFlags struct {
	opts      pki.Options // what flags set directly
	rootCert  string
	rootKey   string
	context   contextFlags
	helm      bool
	ra        string
	issuer    pki.RegistrationAuthority
	passwords struct{ ca, provisioner, rootKey string } // files
	kms       initKMSFlags
}

func initialize(env *cli.Env) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "set up a new certificate authority",
		Long: `**step ca init** makes a root and an intermediate certificate with their keys, a first
provisioner, and the configuration of a certificate authority. What the flags leave
open it asks for.`,
		Example: `Answer questions:
$ step ca init

Answer none:
$ step ca init --name "My CA" --dns ca.example.com --address :443 --provisioner admin --password-file password.txt

Make only certificates and keys:
$ step ca init --pki --name "My CA" --password-file password.txt`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(env, cmd) },
	}
	f.define(cmd)
	cli.OnlyCommandLine(cmd, "root", "key")
	cli.ContextFlag(cmd)
	f.context.define(cmd)
	cli.WithoutContext(cmd)
	return cmd
}

func (f *initFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.rootCert, "root", "", "the `file` of an existing root certificate to use")
	flags.StringVar(&f.rootKey, "key", "", "the private key `file` of --root")
	flags.StringVar(&f.passwords.rootKey, "key-password-file", "", "a `file` with the password of --key")
	flags.BoolVar(&f.opts.PKIOnly, "pki", false, "make certificates and keys only, no configuration")
	flags.BoolVar(&f.opts.SSH, "ssh", false, "make keys for SSH certificates too")
	flags.BoolVar(&f.opts.ACME, "acme", false, "add an ACME provisioner")
	flags.BoolVar(&f.helm, "helm", false, "print values for the Helm chart instead of writing files")
	flags.StringVar(&f.opts.DeploymentType, "deployment-type", "", "the `type` of deployment: standalone")
	flags.StringVar(&f.opts.Name, "name", "", "the `name` of the new authority")
	flags.StringArrayVar(&f.opts.DNSNames, "dns", nil, "a DNS `name` or IP address of the authority, repeatable")
	flags.StringVar(&f.opts.Address, "address", "", "the `address` to listen on, such as :443")
	flags.StringVar(&f.opts.Provisioner, "provisioner", "", "the `name` of the first provisioner")
	flags.StringVar(&f.passwords.ca, "password-file", "", "a `file` with the password for the keys")
	flags.StringVar(&f.passwords.provisioner, "provisioner-password-file", "", "a `file` with the password for the key of the provisioner, if it is another")
	flags.StringVar(&f.opts.CAURL, "with-ca-url", "", "the `address` by which clients reach the authority")
	flags.StringVar(&f.ra, "ra", "", "make a registration authority for another CA; the `kind` is StepCAS")
	flags.StringVar(&f.issuer.URL, "issuer", "", "with --ra, the `address` of the other CA")
	flags.StringVar(&f.issuer.Fingerprint, "issuer-fingerprint", "", "with --ra, the `fingerprint` of its root certificate")
	flags.StringVar(&f.issuer.Provisioner, "issuer-provisioner", "", "with --ra, the `name` of a JWK provisioner there")
	flags.BoolVar(&f.opts.NoDatabase, "no-db", false, "configure no database")
	flags.BoolVar(&f.opts.RemoteManagement, "remote-management", false, "ask for provisioners in the database, to be managed over the network; this version keeps them in ca.json and says so")
	flags.StringVar(&f.opts.AdminSubject, "admin-subject", "", "with --remote-management, the `name` of the first administrator")
	cli.Alias(cmd, "admin-subject", "admin-name")
	f.kms.define(cmd)
}

func (f *initFlags) run(env *cli.Env, cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.complete(env); err != nil {
		return err
	}
	opts := f.opts
	opts.Path = env.Path
	opts.Progress, opts.Now = env.Stderr, env.Now
	opts.Overwrite = func(file string) (bool, error) {
		yes, err := env.Prompt.Confirm(cli.Question{Label: "Would you like to overwrite " + file})
		if _, nobody := errors.AsType[*cli.NoTerminalError](err); nobody {
			err = cli.WithHint(err, "There is a file "+file+" already: nothing was changed. Move the authority away, or make another with the '--context' flag.")
		}
		return yes, err
	}
	if f.helm {
		return f.printHelm(env, opts)
	}
	names := config.SplitNames(strings.Join(opts.DNSNames, ","))
	opts.Path.Context = f.context.choose(cmd, env, strings.Join(names[:min(1, len(names))], ""))
	result, err := pki.Init(opts)
	if _, unasked := errors.AsType[*cli.NoTerminalError](err); unasked {
		return err
	}
	if err != nil {
		return cli.FileError(err)
	}
	return result.Fprint(env.Stderr)
}

// check refuses flags that do not go together.
func (f *initFlags) check() error {
	switch o := &f.opts; {
	case f.rootCert != "" && f.rootKey == "":
		return cli.RequiredWithFlag("root", "key")
	case f.rootKey != "" && f.rootCert == "":
		return cli.RequiredWithFlag("key", "root")
	case f.ra != "" && !strings.EqualFold(f.ra, config.StepCAS):
		return cli.InvalidValue("ra", f.ra, "StepCAS")
	case f.passwords.rootKey != "" && f.rootKey == "":
		return cli.RequiredWithFlag("key-password-file", "key")
	case f.ra == "" && f.issuer.URL != "":
		return cli.RequiredWithFlag("issuer", "ra")
	case f.ra == "" && f.issuer.Fingerprint != "":
		return cli.RequiredWithFlag("issuer-fingerprint", "ra")
	case f.ra == "" && f.issuer.Provisioner != "":
		return cli.RequiredWithFlag("issuer-provisioner", "ra")
	case f.kms.used() && f.ra != "":
		return cli.IncompatibleFlags("kms", "ra")
	case f.kms.used():
		return f.kms.refusal()
	case o.PKIOnly && o.NoDatabase:
		return cli.IncompatibleFlags("pki", "no-db")
	case o.PKIOnly && f.helm:
		return cli.IncompatibleFlags("pki", "helm")
	case o.RemoteManagement && o.NoDatabase:
		return cli.IncompatibleFlags("remote-management", "no-db")
	case o.ACME && o.NoDatabase:
		return cli.IncompatibleFlags("acme", "no-db")
	case o.AdminSubject != "" && f.helm:
		return cli.IncompatibleFlags("admin-subject", "helm")
	case o.AdminSubject != "" && !o.RemoteManagement:
		return errAdminSubject
	}
	return nil
}

// complete fills in what is not a value of its flag, and asks for what is
// missing.
func (f *initFlags) complete(env *cli.Env) error {
	if f.rootCert != "" {
		f.opts.Root = &pki.ExistingRoot{
			CertFile: f.rootCert,
			KeyFile:  f.rootKey,
			Password: env.Password(f.passwords.rootKey, "key-password-file"),
		}
	}
	if f.ra != "" {
		f.issuer.FetchRoot = func(url, fingerprint string) (*x509.Certificate, error) {
			return client.FetchRoot(context.Background(), url, fingerprint, client.Config{UserAgent: env.UserAgent()})
		}
		f.opts.RA = &f.issuer
	}
	if err := f.ask(env); err != nil {
		return err
	}
	return f.choosePasswords(env)
}

func (f *initFlags) printHelm(env *cli.Env, opts pki.Options) error {
	opts.Progress = nil
	p, err := pki.New(opts)
	if err != nil {
		return cli.FileError(err)
	}
	values, err := p.Helm()
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(values)
	return err
}

// choosePasswords reads the files with passwords, or asks.
func (f *initFlags) choosePasswords(env *cli.Env) error {
	const label = "[leave empty and we'll generate one]"
	var err error
	if f.passwords.provisioner != "" {
		f.opts.ProvisionerPassword, err = authority.NewPassword(env, f.passwords.provisioner, "provisioner-password-file", label)
		if err != nil {
			return err
		}
	}
	if f.passwords.ca == "" {
		env.Noticef("%s", f.passwordQuestion())
	}
	f.opts.Password, err = authority.NewPassword(env, f.passwords.ca, "password-file", label)
	return err
}

func (f *initFlags) passwordQuestion() string {
	switch {
	case f.opts.PKIOnly:
		return "Choose a password for your CA keys."
	case f.opts.RA != nil:
		return "Choose a password for your first provisioner."
	}
	return "Choose a password for your CA keys and first provisioner."
}
