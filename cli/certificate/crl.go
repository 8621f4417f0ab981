package certificate

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// CRLCommand is step crl. It is here because lists and certificates are read and
// shown by the same rules.
func CRLCommand(env *cli.Env) *cobra.Command {
	return cli.Group("crl", "inspect certificate revocation lists",
		`**step crl** works with certificate revocation lists (CRL, RFC 5280 §5).`, crlInspect(env))
}

// crlFlags are those of step crl inspect.
type crlFlags struct {
	format   string
	ca       string
	from     bool
	roots    []string
	insecure bool
	strict   bool
}

func crlInspect(env *cli.Env) *cobra.Command {
	var f crlFlags
	cmd := &cobra.Command{
		Use:   "inspect <file|url>",
		Short: "print a certificate revocation list",
		Long: `**step crl inspect** prints a revocation list, and whether it is valid: signed by one of
the certificates of --ca, and not expired.

## POSITIONAL ARGUMENTS
<file|url>
    The file, - for standard input, or the http or https URL of the list, in DER or
    PEM. With --from, the file of a certificate, or the https URL of a server that has
    one: its list is inspected then.

## EXIT CODES
0: the list was printed, whether it is valid or not.

1: it could not be read, or with --strict it is not valid.`,
		Example: `Inspect the list of an authority:
$ step crl inspect --ca intermediate_ca.crt --roots root_ca.crt https://ca.example.com/1.0/crl

Inspect the list that a certificate with its chain names:
$ step crl inspect --from internal.crt

Get the serial numbers of all revoked certificates:
$ step crl inspect --insecure --format json crl.der | jq -r '.revoked_certificates[].serial_number'`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, env, args[0]) },
	}
	cmd.Flags().StringVar(&f.format, "format", "text", "the `format` of the output: text, json or pem")
	cmd.Flags().StringVar(&f.ca, "ca", "", "a `file` with the certificates that may have signed the list")
	cmd.Flags().BoolVar(&f.from, "from", false, "take the list that a certificate names, which is the argument")
	cmd.Flags().StringArrayVar(&f.roots, "roots", nil, "a `file` or directory with the roots to trust in TLS, instead of those of the system, repeatable")
	cmd.Flags().BoolVar(&f.insecure, "insecure", false, "print the list without a certificate to check it with")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "fail if the list is not valid")
	return cmd
}

func (f *crlFlags) run(cmd *cobra.Command, env *cli.Env, name string) error {
	switch f.format {
	case "text", "json", "pem":
	default:
		return cli.InvalidValue("format", f.format, "text", "json", "pem")
	}
	if f.ca == "" && !f.from && !f.insecure {
		return cli.RequiresInsecure(cmd)
	}
	issuers, list, err := f.load(cmd.Context(), env, name)
	if err != nil {
		return err
	}
	judged := judge(list, issuers, env.Now())
	out, err := judged.format(f.format)
	if err != nil {
		return err
	}
	if _, err := env.Stdout.Write(out); err != nil {
		return err
	}
	if f.strict && !judged.valid() {
		return fmt.Errorf("the revocation list is not valid: %s", judged.reason)
	}
	return nil
}

// load reads the list and the certificates that may have signed it.
func (f *crlFlags) load(ctx context.Context, env *cli.Env, name string) (issuers []*x509.Certificate, list *x509.RevocationList, err error) {
	if f.ca != "" {
		if issuers, err = keyfile.LoadCertificates(f.ca); err != nil {
			return nil, nil, cli.FileError(err)
		}
	}
	if f.from {
		remote := remoteFlags{roots: strings.Join(f.roots, ","), insecure: f.insecure}
		chain, err := loadCertificates(ctx, env, &remote, name)
		if err != nil {
			return nil, nil, err
		}
		if len(chain[0].CRLDistributionPoints) == 0 {
			return nil, nil, fmt.Errorf("certificate %s has no CRL distribution points", name)
		}
		name = chain[0].CRLDistributionPoints[0]
		issuers = append(issuers, chain[1:]...)
	}
	data, err := f.read(ctx, env, name)
	if err != nil {
		return nil, nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != crlBlock {
			return nil, nil, fmt.Errorf("error parsing %s: a PEM block of type %s, not %s", name, printable(block.Type), crlBlock)
		}
		data = block.Bytes
	}
	if list, err = x509.ParseRevocationList(data); err != nil {
		return nil, nil, fmt.Errorf("error parsing %s: %w", name, err)
	}
	return issuers, list, nil
}

// crlBlock is the type of PEM blocks of lists.
const crlBlock = "X509 CRL"

// read returns the content of a URL, a file or standard input.
func (f *crlFlags) read(ctx context.Context, env *cli.Env, name string) ([]byte, error) {
	if scheme, _, ok := strings.Cut(name, "://"); ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		var pool *x509.CertPool // nil: those of the system
		if len(f.roots) > 0 {
			var err error
			if pool, err = loadPool(strings.Join(f.roots, ",")); err != nil {
				return nil, err
			}
		}
		check := revocationCheck{http: newHTTPClient(pool, env)}
		data, err := check.get(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("error downloading crl: %w", err)
		}
		return data, nil
	}
	in := env.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, cli.FileError(err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxDownload+1))
	switch {
	case err != nil:
		return nil, cli.FileError(err)
	case len(data) > maxDownload:
		return nil, errors.New("error reading " + name + ": larger than any revocation list should be")
	}
	return data, nil
}
