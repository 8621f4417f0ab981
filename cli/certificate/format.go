package certificate

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

func format(env *cli.Env) *cobra.Command {
	var (
		out   string
		force bool
	)
	cmd := &cobra.Command{
		Use:   "format [<crt-file>]",
		Short: "convert a certificate from PEM to DER or back",
		Long: `**step certificate format** prints the first certificate or certificate request of a
file in DER if the file is PEM, and in PEM if it is DER.

## POSITIONAL ARGUMENTS
<crt-file>
    The file with the certificate or request. Standard input by default.`,
		Example: `Convert to DER:
$ step certificate format foo.pem --out foo.der`,
		Args: cli.MaxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := argument(args)
			data, err := env.ReadFile(name)
			if err != nil {
				return err
			}
			if data, err = convert(name, data); err != nil {
				return err
			}
			if out == "" {
				_, err := env.Stdout.Write(data)
				return err
			}
			if err := env.WriteFile(out, data, modeOf(name), force); err != nil {
				return err
			}
			env.Noticef("Your certificate has been saved in %s", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the `file` for the result, instead of standard output")
	cli.Force(cmd, &force)
	return cmd
}

// convert returns PEM as DER and DER as PEM.
func convert(name string, data []byte) ([]byte, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		in, err := parse(name, data)
		switch {
		case err != nil:
			return nil, errors.New("error decoding certificate: invalid PEM block")
		case in.request != nil:
			return in.request.Raw, nil
		}
		return in.certs[0].Raw, nil
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return keyfile.EncodeCertificates(cert), nil
	}
	if csr, err := x509.ParseCertificateRequest(data); err == nil {
		return keyfile.EncodeCertificateRequest(csr), nil
	}
	return nil, errors.New("error parsing DER format certificate or certificate request")
}

// modeOf are the permissions of the file, those of a new one for standard input.
func modeOf(name string) fs.FileMode {
	if info, err := os.Stat(name); name != "-" && err == nil && info.Mode().IsRegular() {
		return info.Mode().Perm()
	}
	return 0o600
}
