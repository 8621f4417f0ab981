package kms

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/kms"
)

func search(env *cli.Env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "search <uri>",
		Short: "list the keys of a key manager",
		Long:  `**step kms search** prints the URIs of all keys of a key manager, one on a line.`,
		Example: `List the keys in the TPM, with their public halves:
$ step kms search tpmkms: --json`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m := manager{args[0]}
			return m.use(cmd.Context(), env, "", "", func(engine kms.Engine) error {
				lister, err := ability[kms.KeyLister](engine, "list its keys")
				if err != nil {
					return err
				}
				keys, err := lister.Keys(cmd.Context())
				if err != nil {
					return err
				}
				return writeKeys(env, keys, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the public keys too, in JSON")
	return cmd
}

func writeKeys(env *cli.Env, keys []kms.Key, asJSON bool) error {
	if !asJSON {
		for _, k := range keys {
			if _, err := fmt.Fprintln(env.Stdout, k.URI); err != nil {
				return err
			}
		}
		return nil
	}
	list := struct {
		Keys []listedKey `json:"keys"`
	}{[]listedKey{}}
	for _, k := range keys {
		listed, err := newListedKey(k)
		if err != nil {
			return err
		}
		list.Keys = append(list.Keys, listed)
	}
	return writeJSON(env, list)
}
