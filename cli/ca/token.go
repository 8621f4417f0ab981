package ca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/api"
	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// tokenFlags are those of step ca token.
type tokenFlags struct {
	conn       authority.Connection
	tokens     authority.TokenFlags
	data       cli.UserDataFlags
	validity   cli.ValidityFlags
	sans       []string
	principals []string
	host       bool

	certNotBefore, certNotAfter string
	cnf, cnfFile                string
	outputFile                  string
	force                       bool

	ssh, revoke, renew, rekey bool
}

func token(env *cli.Env) *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "token <subject>",
		Short: "make a one-time token",
		Long: `**step ca token** makes a one-time token, with which its holder can do one thing: get a
certificate for the subject; with --revoke, revoke the one with that serial number; or
with --renew, renew the one of --x5c-cert. With --ssh it is for SSH certificates, which
--rekey is for too.`,
		Example: `Make a token for a certificate:
$ step ca token internal.example.com

Make one for more names than the subject:
$ step ca token internal.example.com --san internal.example.com --san 10.0.0.7

Make one for an SSH host certificate:
$ step ca token internal.example.com --ssh --host

Make one that revokes a certificate:
$ step ca token 308893286343609293989051180431574390766 --revoke

Make one without a terminal:
$ step ca token internal.example.com --provisioner admin --provisioner-password-file password.txt`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(env, cmd, args[0]) },
	}
	f.conn.Define(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefineRedirectURL(cmd)
	f.tokens.DefinePassword(cmd)
	f.tokens.DefineCredentials(cmd)
	f.tokens.DefineSSHPOP(cmd)
	f.data.Define(cmd)
	f.validity.Define(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.tokens.KeyID, "kid", "", "the key `ID` of the provisioner, or the client ID of an OIDC one")
	flags.StringVar(&f.tokens.Key, "key", "", "the private key `file` that signs the token, instead of the one the authority keeps")
	flags.BoolVar(&f.tokens.X5CInsecure, "x5c-insecure", false, "put the chain of --x5c-cert in the header x5cInsecure")
	flags.StringArrayVar(&f.sans, "san", nil, "a `name` that the certificate may have, repeatable; the default is the subject")
	flags.StringArrayVarP(&f.principals, "principal", "n", nil, "with --ssh, a `principal` of the certificate, repeatable")
	flags.BoolVar(&f.host, "host", false, "with --ssh, make a token for a host certificate")
	flags.StringVar(&f.certNotBefore, "cert-not-before", "", "with --ssh, when the certificate begins to be valid, as a `time|duration`")
	flags.StringVar(&f.certNotAfter, "cert-not-after", "", "with --ssh, when the certificate expires, as a `time|duration`")
	flags.StringVar(&f.cnf, "cnf", "", "the `fingerprint` of the only certificate request, or SSH public key, that may use the token")
	flags.StringVar(&f.cnfFile, "cnf-file", "", "the `file` with that certificate request or, with --ssh, SSH public key")
	flags.StringVar(&f.outputFile, "output-file", "", "the `file` to write the token to")
	flags.BoolVar(&f.ssh, "ssh", false, "make a token for an SSH certificate")
	flags.BoolVar(&f.revoke, "revoke", false, "make a token that revokes the certificate with the serial number <subject>")
	flags.BoolVar(&f.renew, "renew", false, "make a token that renews the certificate of --x5c-cert")
	flags.BoolVar(&f.rekey, "rekey", false, "with --ssh, make a token that rekeys a certificate")
	cli.Force(cmd, &f.force)
	return cmd
}

func (f *tokenFlags) run(env *cli.Env, cmd *cobra.Command, subject string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	c, err := f.openCA(cmd, env)
	if err != nil {
		return err
	}
	if f.outputFile != "" {
		if err := env.MayWrite(f.outputFile, f.force); err != nil {
			return err
		}
	}
	var made string
	if f.renew && !f.ssh {
		made, err = f.renewToken(cmd.Context(), env, c, subject)
	} else {
		made, err = f.oneTimeToken(cmd, env, c, subject)
	}
	switch {
	case err != nil:
		return err
	case f.outputFile == "":
		_, err = fmt.Fprintln(env.Stdout, made)
		return err
	}
	return cli.FileError(keyfile.WriteFile(f.outputFile, []byte(made), keyfile.SecretPerm))
}

// openCA returns the CA that the token is for.
func (f *tokenFlags) openCA(cmd *cobra.Command, env *cli.Env) (authority.CA, error) {
	if f.conn.Offline.Enabled {
		return f.conn.CAForToken(cmd.Context(), env, &f.tokens)
	}
	return f.conn.Open(cmd.Context(), env, cmd)
}

// oneTimeToken makes a token in the name of a provisioner.
func (f *tokenFlags) oneTimeToken(cmd *cobra.Command, env *cli.Env, c authority.CA, subject string) (string, error) {
	opts, err := f.options(env, subject)
	if err != nil {
		return "", err
	}
	p, err := f.tokens.Choose(cmd.Context(), env, c)
	if err != nil {
		return "", err
	}
	return f.tokens.Mint(cmd.Context(), env, c, p, opts)
}

func (f *tokenFlags) options(env *cli.Env, subject string) (opts client.TokenOptions, err error) {
	opts.Route, opts.Subject, opts.SANs = f.route(), subject, f.sans
	if opts.NotBefore, opts.NotAfter, err = authority.Validity(&f.validity); err != nil {
		return opts, err
	}
	switch opts.Route {
	case api.PathSign:
		if opts.RequestFingerprint, err = f.requestFingerprint(env); err != nil {
			return opts, err
		}
		opts.User, err = f.data.Claim(env)
	case api.PathSSHSign:
		if opts.RequestFingerprint, err = f.requestFingerprint(env); err != nil {
			return opts, err
		}
		if opts.SSH, err = f.sshOptions(subject); err != nil {
			return opts, err
		}
		opts.User, err = f.data.Claim(env)
	}
	return opts, err
}

// route is what the token is for. The flags are looked at in this order.
func (f *tokenFlags) route() string {
	switch {
	case f.ssh && f.revoke:
		return api.PathSSHRevoke
	case f.ssh && f.renew:
		return api.PathSSHRenew
	case f.ssh && f.rekey:
		return api.PathSSHRekey
	case f.ssh:
		return api.PathSSHSign
	case f.revoke:
		return api.PathRevoke
	}
	return api.PathSign
}

func (f *tokenFlags) sshOptions(subject string) (*nouns.SSHOptions, error) {
	after, err := authority.ParseTime("cert-not-before", f.certNotBefore)
	if err != nil {
		return nil, err
	}
	before, err := authority.ParseTime("cert-not-after", f.certNotAfter)
	if err != nil {
		return nil, err
	}
	opts := &nouns.SSHOptions{
		CertType:    nouns.SSHUser,
		KeyID:       subject,
		Principals:  f.principals,
		ValidAfter:  after,
		ValidBefore: before,
	}
	if f.host {
		opts.CertType = nouns.SSHHost
	}
	return opts, nil
}

// requestFingerprint is that of --cnf, or of the request or SSH key in --cnf-file.
func (f *tokenFlags) requestFingerprint(env *cli.Env) (string, error) {
	if f.cnfFile == "" {
		return f.cnf, nil
	}
	data, err := env.ReadFile(f.cnfFile)
	if err != nil {
		return "", err
	}
	if f.ssh {
		key, _, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(data))
		if err != nil {
			return "", fmt.Errorf("error parsing %s: with flag '--ssh' it has to be an SSH public key", f.cnfFile)
		}
		return requestFingerprint(key.Marshal()), nil
	}
	csr, err := keyfile.ParseCertificateRequest(f.cnfFile, data)
	if err != nil {
		if _, _, _, _, sshErr := ssh.ParseAuthorizedKey(bytes.TrimSpace(data)); sshErr == nil {
			return "", errors.New("flag '--cnf-file' needs a certificate request; an SSH public key needs flag '--ssh' as well")
		}
		return "", err
	}
	return requestFingerprint(csr.Raw), nil
}

// requestFingerprint returns the SHA-256 of a request's DER, or of an SSH key's wire
// format, as the claim "cnf" has it.
func requestFingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// renewToken makes the token with which a certificate renews itself.
func (f *tokenFlags) renewToken(ctx context.Context, env *cli.Env, c authority.CA, subject string) (string, error) {
	switch {
	case f.tokens.X5CCert == "":
		return "", cli.RequiredWithFlag("renew", "x5c-cert")
	case f.tokens.X5CKey == "":
		return "", cli.RequiredWithFlag("renew", "x5c-key")
	}
	crt, err := loadPair(ctx, env, f.tokens.KMS, f.tokens.X5CCert, f.tokens.X5CKey, f.tokens.Password(env))
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(subject, crt.Leaf.Subject.CommonName) {
		return "", errors.New("positional argument <subject> must match the certificate common name")
	}
	return client.RenewToken(crt, c.Audience()+api.PathRenew, env.Now())
}
