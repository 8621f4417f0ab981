package certificate

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"

	"stepca/cli"
)

func lint(env *cli.Env) *cobra.Command {
	var remote remoteFlags
	cmd := &cobra.Command{
		Use:   "lint <crt-file|url>",
		Short: "check a certificate against the rules of standards",
		Long: `**step certificate lint** checks a certificate with zlint and prints the results as
JSON. It ends with exit code 0 whatever they are.

## POSITIONAL ARGUMENTS
<crt-file|url>
    A file with a certificate, or the URL of a TLS server.`,
		Example: `Lint a certificate and print the errors:
$ step certificate lint example.crt | jq '.lints | with_entries(select(.value.result == "error"))'`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			certs, err := loadCertificates(cmd.Context(), env, &remote, args[0])
			if err != nil {
				return fmt.Errorf("could not parse certificate file '%s': %w", args[0], err)
			}
			cert, err := zx509.ParseCertificate(certs[0].Raw)
			if err != nil {
				return fmt.Errorf("could not parse certificate file '%s': %w", args[0], err)
			}
			out, err := json.MarshalIndent(zlint.LintCertificate(cert), "", " ")
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(out)
			return err
		},
	}
	cmd.Flags().BoolVar(&remote.insecure, "insecure", false, "do not verify the server")
	remote.define(cmd)
	return cmd
}
