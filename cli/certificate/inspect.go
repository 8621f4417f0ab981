package certificate

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func inspect(env *cli.Env) *cobra.Command {
	var (
		remote        remoteFlags
		format        string
		bundle, short bool
	)
	cmd := &cobra.Command{
		Use:   "inspect [<crt-file>]",
		Short: "print the details of a certificate",
		Long: `**step certificate inspect** prints a certificate or certificate request in a form for
people, as JSON, or as PEM. A file is not verified, a server is.

## POSITIONAL ARGUMENTS
<crt-file>
    A file with certificates or a request in PEM or DER, or the URL of a TLS server.
    Standard input by default.`,
		Example: `Print a certificate:
$ step certificate inspect certificate.crt

Print all certificates of a server in a few lines each:
$ step certificate inspect --bundle --short https://example.com

Print the end of the validity:
$ step certificate inspect --format json certificate.crt | jq -r .validity.end`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := map[string]func(*contents) ([]byte, error){
				"text": text, "json": asJSON, "pem": asPEM,
			}[format]
			switch {
			case !ok:
				return cli.InvalidValue("format", format, "text", "json", "pem")
			case short && format != "text":
				return cli.IncompatibleFlagWith("short", "--format "+format)
			case short:
				write = shortText
			}
			in, err := load(cmd.Context(), env, &remote, argument(args))
			if err != nil {
				return err
			}
			if !bundle && len(in.certs) > 1 {
				in.certs = in.certs[:1]
			}
			out, err := write(in)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.Stdout, "%s", out)
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "the `form` of the output: text, json or pem")
	cmd.Flags().BoolVar(&bundle, "bundle", false, "print all certificates of the file or server")
	cmd.Flags().BoolVar(&short, "short", false, "print a few lines of text only")
	cmd.Flags().BoolVar(&remote.insecure, "insecure", false, "do not verify the server")
	remote.define(cmd)
	return cmd
}

func asPEM(in *contents) ([]byte, error) {
	if in.request != nil {
		return keyfile.EncodeCertificateRequest(in.request), nil
	}
	return keyfile.EncodeCertificates(in.certs...), nil
}
