package ssh

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func fingerprint(env *cli.Env) *cobra.Command {
	var (
		format string
		f      fingerprinter
	)
	cmd := &cobra.Command{
		Use:   "fingerprint [<file>]",
		Short: "print the fingerprint of an SSH public key or certificate",
		Long: `**step ssh fingerprint** prints size, fingerprint, comment and type of an SSH public
key, as ssh-keygen -l does, a line for each key. Of a certificate it takes the key.

## POSITIONAL ARGUMENTS
<file>
    A file with a public key or a certificate, or with many: an authorized_keys or
    known_hosts file. Standard input by default.`,
		Example: `Print the fingerprint of a key:
$ step ssh fingerprint id_ecdsa.pub

Print the fingerprint of a certificate itself:
$ step ssh fingerprint --certificate id_ecdsa-cert.pub`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.format, err = keyfile.ParseFingerprintFormat(format); err != nil {
				return err
			}
			name := argument(args)
			data, err := env.ReadFile(name)
			if err != nil {
				return err
			}
			keys, err := parsePublicKeys(name, data)
			if err != nil {
				return fmt.Errorf("error parsing public key: %w", err)
			}
			for _, key := range keys {
				if _, err := fmt.Fprintln(env.Stdout, f.line(key.PublicKey, key.comment)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "base64-raw", "the `encoding`: hex, base64, base64-url, base64-raw, base64-url-raw or emoji")
	cmd.Flags().BoolVar(&f.whole, "certificate", false, "take the fingerprint of the whole certificate, not of its key")
	return cmd
}
