package ssh

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
)

// renewFlags are those of step ssh renew.
type renewFlags struct {
	possession
	out string
}

func renew(env *cli.Env) *cobra.Command {
	var f renewFlags
	cmd := &cobra.Command{
		Use:   "renew <ssh-cert> <ssh-key>",
		Short: "renew an SSH host certificate",
		Long: `**step ssh renew** gets a new certificate like that in <ssh-cert>, with a new validity
of the same length. The old certificate is the credential: it must be one of a host,
and must not have expired. sshd uses the new file for the next connection.`,
		Example: `Renew a host certificate:
$ step ssh renew --force ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key

Renew it into another file:
$ step ssh renew --out new-cert.pub ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd)
	cmd.Flags().StringVar(&f.out, "out", "", "the `file` to write the certificate to, instead of <ssh-cert>")
	cli.Alias(cmd, "out", "output-file")
	return cmd
}

func (f *renewFlags) run(env *cli.Env, cmd *cobra.Command, crtFile, keyFile string) error {
	if crtFile == keyFile {
		return cli.EqualArgs(cmd, "ssh-cert", "ssh-key")
	}
	if err := cli.CheckOut("out", f.out, keyFile, "private key"); err != nil {
		return err
	}
	out := cmp.Or(f.out, crtFile)
	if err := env.MayWrite(out, f.force); err != nil {
		return err
	}
	old, comment, err := f.load(env, crtFile, keyFile)
	if err != nil {
		return err
	}
	if err := f.checkKey(env, old, keyFile); err != nil {
		return err
	}
	g, err := f.authorize(cmd.Context(), env, old.Serial, api.PathSSHRenew)
	if err != nil {
		return err
	}
	f.conn.ShowCA(env, g.Client)
	resp, err := withIdentity(env, g.Client).SSHRenew(cmd.Context(), &api.SSHRenewRequest{Token: g.Token})
	if err != nil {
		return err
	}
	cert := resp.Certificate.Certificate
	if err := checkCertificate(cert, old.Key, ca.SSHHost); err != nil {
		return err
	}
	if err := cli.WriteFiles(cli.NewFile{Name: out, Data: encodePublicKey(cert, comment), Perm: cli.PublicPerm}); err != nil {
		return err
	}
	env.Selected("Certificate", out)
	return renewIdentity(env, resp.IdentityCertificate)
}
