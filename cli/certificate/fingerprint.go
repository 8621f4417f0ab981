package certificate

import (
	"crypto/sha1" //nolint:gosec // shown on request, to be compared with old records
	"crypto/sha256"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func fingerprint(env *cli.Env) *cobra.Command {
	var (
		remote          remoteFlags
		bundle, useSHA1 bool
		format          string
	)
	cmd := &cobra.Command{
		Use:   "fingerprint [<crt-file>]",
		Short: "print the fingerprint of a certificate",
		Long: `**step certificate fingerprint** prints the SHA-256 hash of a certificate or
certificate request, which identifies it.

## POSITIONAL ARGUMENTS
<crt-file>
    A file with a certificate or request in PEM or DER, or the URL of a TLS server.
    Standard input by default.`,
		Example: `Print the fingerprint of a root certificate:
$ step certificate fingerprint root_ca.crt
0d7d3834cf187726cf331c40a31aa7ef6b29ba4df601416c9788f6ee01058cf3

Print those of all certificates of a server:
$ step certificate fingerprint --bundle https://ca.example.com`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if useSHA1 && !remote.insecure {
				return cli.FlagRequiresInsecure("sha1")
			}
			encoding, err := keyfile.ParseFingerprintFormat(format)
			if err != nil {
				return err
			}
			in, err := load(cmd.Context(), env, &remote, argument(args))
			if err != nil {
				return err
			}
			sum := func(der []byte) string {
				if useSHA1 {
					h := sha1.Sum(der) //nolint:gosec // as above
					return encoding.Format(h[:])
				}
				h := sha256.Sum256(der)
				return encoding.Format(h[:])
			}
			switch {
			case in.request != nil:
				fmt.Fprintln(env.Stdout, sum(in.request.Raw))
			case bundle:
				for i, cert := range in.certs {
					fmt.Fprintf(env.Stdout, "%d: %s\n", i, sum(cert.Raw))
				}
			default:
				fmt.Fprintln(env.Stdout, sum(in.certs[0].Raw))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&bundle, "bundle", false, "print the fingerprint of each certificate, with its number")
	cmd.Flags().BoolVar(&remote.insecure, "insecure", false, "do not verify the server; allow --sha1")
	cmd.Flags().StringVar(&format, "format", "hex", "the `encoding`: hex, base64, base64-url, base64-raw, base64-url-raw or emoji")
	cmd.Flags().BoolVar(&useSHA1, "sha1", false, "use SHA-1, which needs --insecure")
	remote.define(cmd)
	return cmd
}

// argument is the only positional argument, by default standard input.
func argument(args []string) string {
	if len(args) == 0 {
		return "-"
	}
	return args[0]
}
