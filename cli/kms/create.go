package kms

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stepca/cli"
	"stepca/keyfile"
	"stepca/kms"
)

func create(env *cli.Env) *cobra.Command {
	var m manager
	var kind cli.KeyFlags
	var asJSON bool
	var passwordFile string
	cmd := &cobra.Command{
		Use:   "create <uri>",
		Short: "make a key",
		Long: `**step kms create** makes a key and prints its public half. A key in a TPM is on P-256
unless the flags say otherwise, an attestation key is RSA with 2048 bits.`,
		Example: `Make a key in the TPM:
$ step kms create tpmkms:name=web

Make an attestation key:
$ step kms create 'tpmkms:name=ak;ak=true'

Make a key with another one to vouch for it than the one named ak:
$ step kms create 'tpmkms:name=web;attest-by=ak2' --kty RSA --size 2048`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := likePlugin(cmd.Flags()); err != nil {
				return err
			}
			spec, err := kind.Spec(false)
			if err != nil {
				return err
			}
			return m.use(cmd.Context(), env, args[0], passwordFile, func(engine kms.Engine) error {
				creator, err := ability[kms.KeyCreator](engine, "make keys")
				if err != nil {
					return err
				}
				made, err := creator.CreateKey(cmd.Context(), args[0], spec)
				if err != nil {
					return err
				}
				if !asJSON {
					return writePublicKey(env, made.Public)
				}
				listed, err := newListedKey(made)
				if err != nil {
					return err
				}
				return writeJSON(env, listed)
			})
		},
	}
	m.define(cmd)
	kind.Define(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the URI and the public key in JSON")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "the `file` with the password that a key in a file is encrypted with")
	return cmd
}

// likePlugin takes curves by the names that step-kms-plugin has for them, and
// without --kty.
func likePlugin(flags *pflag.FlagSet) error {
	crv := flags.Lookup("crv")
	if !crv.Changed {
		return nil
	}
	name, ok := map[string]string{"P256": keyfile.P256, "P384": keyfile.P384, "P521": keyfile.P521}[crv.Value.String()]
	if ok {
		if err := flags.Set("crv", name); err != nil {
			return err
		}
	}
	if !flags.Changed("kty") {
		return flags.Set("kty", keyfile.EC)
	}
	return nil
}
