package ca

import (
	"cmp"
	"context"
	"crypto"
	"crypto/tls"
	"errors"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/client"
	"stepca/keyfile"
)

// rekeyFlags are those of step ca rekey.
type rekeyFlags struct {
	renewal
	key             cli.KeyFlags
	outCert, outKey string
	privateKey      string

	spec     keyfile.KeySpec
	given    crypto.Signer // the key of --private-key; nil makes one each time
	writeKey bool
}

func rekey(env *cli.Env) *cobra.Command {
	var f rekeyFlags
	cmd := &cobra.Command{
		Use:   "rekey <crt-file> <key-file>",
		Short: "renew a certificate with a new private key",
		Long: `**step ca rekey** makes a private key, gets a certificate for it that is otherwise like
the one in <crt-file>, and overwrites both files. The old certificate is the
credential; it must not have expired.

With --daemon it keeps running, and does so whenever two thirds of the validity are
over. SIGHUP makes it do so at once. For certificates that came by ACME, see
**step ca renew**.`,
		Example: `Replace a certificate and its key:
$ step ca rekey --force internal.crt internal.key

Write the new ones to other files:
$ step ca rekey --out-cert new.crt --out-key new.key internal.crt internal.key`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd, "rekey")
	f.key.Define(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.outCert, "out-cert", "", "the `file` to write the certificate to, instead of <crt-file>")
	flags.StringVar(&f.outKey, "out-key", "", "the `file` to write the private key to, instead of <key-file>")
	flags.StringVar(&f.privateKey, "private-key", "", "a `file` with the new private key, instead of making one")
	return cmd
}

func (f *rekeyFlags) run(env *cli.Env, cmd *cobra.Command, crtFile, keyFile string) error {
	if crtFile == keyFile {
		return cli.EqualArgs(cmd, "crt-file", "key-file")
	}
	if err := f.checkOut(crtFile, keyFile); err != nil {
		return err
	}
	if err := f.newKey(cmd.Context(), env); err != nil {
		return err
	}
	// A key that is a file already is only written where the user says.
	f.writeKey = f.given == nil || f.outKey != ""
	f.outCert, f.outKey = cmp.Or(f.outCert, crtFile), cmp.Or(f.outKey, keyFile)
	if f.writeKey && f.outCert == f.outKey {
		return cli.EqualArgs(cmd, "out-cert", "out-key")
	}
	f.replacer = f
	return f.renewal.run(env, cmd, crtFile, keyFile)
}

// checkOut makes sure that no file is written over one that it does not replace.
func (f *rekeyFlags) checkOut(crtFile, keyFile string) error {
	return errors.Join(
		cli.CheckOut("out-cert", f.outCert, keyFile, "private key"),
		cli.CheckOut("out-cert", f.outCert, f.privateKey, "new private key"),
		cli.CheckOut("out-key", f.outKey, crtFile, "certificate"),
	)
}

func (f *rekeyFlags) writes() []string {
	if f.writeKey {
		return []string{f.outCert, f.outKey}
	}
	return []string{f.outCert}
}

func (f *rekeyFlags) announce(env *cli.Env) {
	env.Selected("Certificate", f.outCert)
	if f.writeKey {
		env.Selected("Private Key", f.outKey)
	}
}

// newKey reads the key of --private-key, or finds out which kind to make.
func (f *rekeyFlags) newKey(ctx context.Context, env *cli.Env) (err error) {
	if f.privateKey == "" {
		f.spec, err = f.key.Spec(false)
		return err
	}
	if flag := f.key.Used(); flag != "" {
		return cli.IncompatibleFlags("private-key", flag)
	}
	if f.given, err = env.LoadSigner(ctx, f.kms, f.privateKey, env.Password("", "")); err != nil {
		return cli.FileError(err)
	}
	if cli.IsKMSKey(f.given) && f.outKey != "" {
		return errors.New("flag '--out-key' cannot be used with a key in a key management system")
	}
	return nil
}

// replace gets a certificate for a new key and writes both.
func (f *rekeyFlags) replace(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate) (*tls.Certificate, error) {
	key := f.given
	if key == nil {
		var err error
		if key, err = keyfile.Generate(f.spec); err != nil {
			return nil, err
		}
	}
	next, err := rekeyAt(ctx, env, src, crt, key)
	if err != nil {
		return nil, err
	}
	if f.writeKey {
		err = writePair(f.outKey, key, f.outCert, encodeDER(next.Certificate))
	} else {
		err = cli.FileError(keyfile.WriteFile(f.outCert, encodeDER(next.Certificate), keyfile.SecretPerm))
	}
	if err != nil {
		return nil, err
	}
	src.remember(env, next)
	return next, nil
}

// rekeyAt gets the successor of a certificate for another key.
func rekeyAt(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, key crypto.Signer) (*tls.Certificate, error) {
	if src.acme != nil {
		return src.replace(ctx, crt, key)
	}
	if env.Now().After(crt.Leaf.NotAfter) {
		return nil, errors.New("cannot rekey an expired certificate")
	}
	csr, err := client.NewCSR(key, "", nil)
	if err != nil {
		return nil, err
	}
	own, err := src.ca.WithCertificate(crt)
	if err != nil {
		return nil, err
	}
	defer own.CloseIdleConnections()
	resp, err := own.Rekey(ctx, csr)
	if err != nil {
		return nil, err
	}
	return client.Certificate(resp, key)
}
