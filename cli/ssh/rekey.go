package ssh

import (
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
)

// rekeyFlags are those of step ssh rekey.
type rekeyFlags struct {
	possession
	key      cli.KeyFlags
	password newKeyPassword
	out      string
}

func rekey(env *cli.Env) *cobra.Command {
	var f rekeyFlags
	cmd := &cobra.Command{
		Use:   "rekey <ssh-cert> <ssh-key>",
		Short: "renew an SSH host certificate with a new key",
		Long: `**step ssh rekey** makes a key and gets a certificate for it that is otherwise like
the one in <ssh-cert>. It overwrites both files, and the public key beside the private
one. The old certificate is the credential: it must be one of a host, and must not
have expired.`,
		Example: `Replace the key of a host and its certificate:
$ step ssh rekey --force --no-password --insecure ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key

Write new, new.pub and new-cert.pub instead:
$ step ssh rekey --out new ssh_host_ecdsa_key-cert.pub ssh_host_ecdsa_key`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd)
	f.key.Define(cmd)
	f.password.defineNone(cmd)
	cmd.Flags().StringVar(&f.out, "out", "", "the private key `file` to write, with .pub and -cert.pub beside it")
	return cmd
}

func (f *rekeyFlags) run(env *cli.Env, cmd *cobra.Command, crtFile, keyFile string) error {
	if crtFile == keyFile {
		return cli.EqualArgs(cmd, "ssh-cert", "ssh-key")
	}
	if err := cli.CheckOut("out", f.out, crtFile, "old certificate"); err != nil {
		return err
	}
	if err := f.password.check(cmd); err != nil {
		return err
	}
	outKey, outCrt := keyFile, crtFile
	if f.out != "" {
		outKey, outCrt = f.out, f.out+"-cert.pub"
	}
	if err := env.MayWriteAll(f.force, outKey, outKey+".pub", outCrt); err != nil {
		return err
	}
	old, comment, err := f.load(env, crtFile, keyFile)
	if err != nil {
		return err
	}
	g, err := f.authorize(cmd.Context(), env, old.Serial, api.PathSSHRekey)
	if err != nil {
		return err
	}
	key, err := f.key.Generate(f.password.insecure)
	if err != nil {
		return err
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return err
	}
	password, err := f.password.ask(env)
	if err != nil {
		return err
	}
	files, err := keyPairFiles(outKey, key, pub, comment, password)
	if err != nil {
		return err
	}
	f.conn.ShowCA(env, g.Client)
	resp, err := withIdentity(env, g.Client).SSHRekey(cmd.Context(), &api.SSHRekeyRequest{Token: g.Token, PublicKey: pub.Marshal()})
	if err != nil {
		return err
	}
	cert := resp.Certificate.Certificate
	if err := checkCertificate(cert, pub, ca.SSHHost); err != nil {
		return err
	}
	files = append(files, cli.NewFile{Name: outCrt, Data: encodePublicKey(cert, comment), Perm: cli.PublicPerm})
	if err := cli.WriteFiles(files...); err != nil {
		return err
	}
	env.Selected("Private Key", outKey)
	env.Selected("Public Key", outKey+".pub")
	env.Selected("Certificate", outCrt)
	return renewIdentity(env, resp.IdentityCertificate)
}
