// Package kms has the step kms commands: keys of the key managers that the
// program is linked with. The frame leaves all others to step-kms-plugin, of
// which these commands have the names and flags.
package kms

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
	"stepca/kms"
)

// Command is step kms.
func Command(env *cli.Env) *cobra.Command {
	return cli.Group("kms", "work with keys in key managers",
		`**step kms** works with keys that a key manager keeps: files (softkms:) and the TPM of
this machine (tpmkms:). For any other key manager it runs the program step-kms-plugin
with the same arguments.

A key in a TPM is named tpmkms:name=NAME, an attestation key tpmkms:name=NAME;ak=true.
Attributes of the URI or of --kms say which TPM (device=/dev/tpmrm0) and where the files
of its keys are (storage-directory=DIR; $(step path)/tpm by default).`,
		create(env), key(env), certificate(env), sign(env), search(env), remove(env))
}

// A manager holds the flag that says which key manager to open.
type manager struct{ uri string }

func (m *manager) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.uri, "kms", "", "the `URI` of the key manager, if that of the key does not say enough")
}

// open opens the key manager for a key.
func (m *manager) open(ctx context.Context, env *cli.Env, name, passwordFile string) (kms.Engine, error) {
	uri := m.uri
	if uri == "" {
		uri = name
	}
	return env.OpenKMS(ctx, uri, env.Password(passwordFile, "password-file"))
}

// ability returns what an engine can do beyond signing, or says that it cannot.
func ability[T any](engine kms.Engine, what string) (T, error) {
	a, ok := engine.(T)
	if !ok {
		return a, fmt.Errorf("this key manager cannot %s: that %w", what, kms.ErrUnsupported)
	}
	return a, nil
}

// use opens a key manager, does something with it and closes it.
func (m *manager) use(ctx context.Context, env *cli.Env, name, passwordFile string, do func(kms.Engine) error) error {
	engine, err := m.open(ctx, env, name, passwordFile)
	if err != nil {
		return err
	}
	return errors.Join(do(engine), engine.Close())
}

// writePublicKey writes a public key to standard output.
func writePublicKey(env *cli.Env, public crypto.PublicKey) error {
	text, err := keyfile.EncodePublicKey(public)
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(text)
	return err
}
