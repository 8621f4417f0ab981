package ca

import (
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"errors"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/client"
	"stepca/keyfile"
)

// renewFlags are those of step ca renew.
type renewFlags struct {
	renewal
	mtls bool
	out  string
}

func renew(env *cli.Env) *cobra.Command {
	var f renewFlags
	cmd := &cobra.Command{
		Use:   "renew <crt-file> <key-file>",
		Short: "renew a certificate",
		Long: `**step ca renew** gets a certificate like the one in <crt-file>, with the same key and
names, that is valid from now on, and overwrites the file. The certificate itself is
the credential: no token or password is needed. An expired one can be renewed if its
provisioner allows that.

With --daemon it keeps running and renews whenever two thirds of the validity are
over. SIGHUP makes it renew at once.

A certificate that came by ACME is renewed by --daemon and --if-due when the
authority suggests (ACME Renewal Information, RFC 9773), unless --expires-in or
--renew-period say when. One from an ACME server that is not the authority's is
renewed there, by a new order, for which its names are proved again: as when the
certificate was got, or as the flags say.`,
		Example: `Renew a certificate and make nginx use it:
$ step ca renew --force --exec "nginx -s reload" internal.crt internal.key

Renew it only if it expires within eight hours, as a timer does:
$ step ca renew --force --expires-in 8h internal.crt internal.key

Renew it only if it is due, by the authority's own idea of when:
$ step ca renew --force --if-due internal.crt internal.key

Order a new certificate like it from an ACME server, which takes a challenge:
$ step ca renew --force --acme https://acme.example.com/directory --webroot /var/www/html internal.crt internal.key

Keep it valid:
$ step ca renew --daemon --pid-file /run/nginx.pid internal.crt internal.key`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd, "renew")
	cmd.Flags().BoolVar(&f.mtls, "mtls", true, "authenticate with the certificate in TLS; --mtls=false signs a token with its key instead")
	cmd.Flags().StringVar(&f.out, "out", "", "the `file` to write the certificate to, instead of <crt-file>")
	cli.Alias(cmd, "out", "output-file")
	return cmd
}

func (f *renewFlags) run(env *cli.Env, cmd *cobra.Command, crtFile, keyFile string) error {
	if crtFile == keyFile {
		return cli.EqualArgs(cmd, "crt-file", "key-file")
	}
	if err := cli.CheckOut("out", f.out, keyFile, "private key"); err != nil {
		return err
	}
	f.out = cmp.Or(f.out, crtFile)
	f.replacer = f
	return f.renewal.run(env, cmd, crtFile, keyFile)
}

func (f *renewFlags) writes() []string { return []string{f.out} }

func (f *renewFlags) announce(env *cli.Env) {
	env.Noticef("Your certificate has been saved in %s.", f.out)
}

// replace renews a certificate and writes it, with its chain.
func (f *renewFlags) replace(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate) (*tls.Certificate, error) {
	next, err := renewAt(ctx, env, src, crt, f.mtls)
	if err != nil {
		return nil, err
	}
	if err := keyfile.WriteFile(f.out, encodeDER(next.Certificate), keyfile.SecretPerm); err != nil {
		return nil, cli.FileError(err)
	}
	src.remember(env, next)
	return next, nil
}

// renewAt gets the successor of a certificate, with the same key.
func renewAt(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, mtls bool) (*tls.Certificate, error) {
	if src.acme != nil {
		return src.replace(ctx, crt, crt.PrivateKey.(crypto.Signer))
	}
	resp, err := renewWith(ctx, env, src.ca, crt, mtls)
	if err != nil {
		return nil, err
	}
	return client.Certificate(resp, crt.PrivateKey)
}

// renewWith authenticates with the certificate in TLS; if it has expired, which
// no TLS server accepts, or mtls is false, with a token that its key signs.
func renewWith(ctx context.Context, env *cli.Env, c *client.Client, crt *tls.Certificate, mtls bool) (*api.SignResponse, error) {
	if now := env.Now(); !mtls || now.After(crt.Leaf.NotAfter) {
		token, err := client.RenewToken(crt, c.URL()+api.PathRenew, now)
		if err != nil {
			return nil, err
		}
		return c.RenewWithToken(ctx, token)
	}
	own, err := c.WithCertificate(crt)
	if err != nil {
		return nil, err
	}
	defer own.CloseIdleConnections()
	return own.Renew(ctx)
}
