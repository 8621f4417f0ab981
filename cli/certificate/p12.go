package certificate

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"software.sslmate.com/src/go-pkcs12"

	"stepca/cli"
	"stepca/keyfile"
)

// p12Flags are the flags of step certificate p12.
type p12Flags struct {
	cas                                 []string
	passwordFile                        string
	noPassword, insecure, force, legacy bool
}

func p12(env *cli.Env) *cobra.Command {
	var f p12Flags
	cmd := &cobra.Command{
		Use:   "p12 <p12-path> [<crt-path>] [<key-path>]",
		Short: "package a certificate and keys into a .p12 file",
		Long: `**step certificate p12** writes a certificate, its chain and its key into a PKCS #12
file, or with --ca only, certificates that are to be trusted.

## POSITIONAL ARGUMENTS
<p12-path>
    The file to be written.

<crt-path>
    The file with the certificate and its intermediates.

<key-path>
    The file with the private key.`,
		Example: `Package a certificate with its key:
$ step certificate p12 foo.p12 foo.crt foo.key

Make a trust store:
$ step certificate p12 trust.p12 --ca root_ca.crt`,
		Args: cli.RangeArgs(1, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.noPassword && !f.insecure:
				return cli.FlagRequiresInsecure("no-password")
			case len(args) == 2:
				return cli.MissingArgs(cmd, "key_file")
			case len(args) == 1 && len(f.cas) == 0:
				return errors.New("flag '--ca' must be provided when no <crt_path> and <key_path> are present")
			}
			if err := env.MayWrite(args[0], f.force); err != nil {
				return err
			}
			data, err := f.encode(env, args[1:])
			if err != nil {
				return err
			}
			if err := env.WriteFile(args[0], data, 0o600, true); err != nil {
				return err
			}
			env.Noticef("Your .p12 bundle has been saved as %s.", args[0])
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&f.cas, "ca", nil, "a `file` with CA certificates to add, repeatable")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "the `file` with the password of the .p12 file")
	cmd.Flags().BoolVar(&f.noPassword, "no-password", false, "use an empty password; needs --insecure")
	cmd.Flags().BoolVar(&f.legacy, "legacy", false, "encrypt with RC2 and 3DES, for old programs that read nothing else")
	cli.Force(cmd, &f.force)
	cli.Insecure(cmd, &f.insecure)
	return cmd
}

// encode makes the file: of files, which are a certificate and its key, and of --ca.
func (f *p12Flags) encode(env *cli.Env, files []string) ([]byte, error) {
	var cas []*x509.Certificate
	for _, name := range f.cas {
		certs, err := keyfile.LoadCertificates(name)
		if err != nil {
			return nil, err
		}
		cas = append(cas, certs...)
	}
	encoder := pkcs12.Modern2023
	if f.legacy {
		encoder = pkcs12.LegacyRC2
	}
	if len(files) == 0 {
		password, err := f.password(env)
		if err != nil {
			return nil, err
		}
		return encoder.EncodeTrustStoreEntries(trustEntries(cas), password)
	}
	chain, key, err := keyfile.LoadPair(files[0], files[1], env.Password("", ""))
	if err != nil {
		return nil, err
	}
	password, err := f.password(env)
	if err != nil {
		return nil, err
	}
	return encoder.Encode(key, chain[0], append(chain[1:], cas...), password)
}

// trustEntries names each certificate so that names differ: key stores keep one
// entry a name.
func trustEntries(certs []*x509.Certificate) []pkcs12.TrustStoreEntry {
	entries := make([]pkcs12.TrustStoreEntry, len(certs))
	for i, cert := range certs {
		entries[i] = pkcs12.TrustStoreEntry{
			Cert:         cert,
			FriendlyName: fmt.Sprintf("%s - %x", cert.Subject, sha256.Sum256(cert.Raw)),
		}
	}
	return entries
}

func (f *p12Flags) password(env *cli.Env) (string, error) {
	if f.noPassword {
		return "", nil
	}
	q := cli.Question{Label: "Please enter a password to encrypt the .p12 file", Flag: "password-file"}
	password, err := env.ReadPassword(f.passwordFile, q)
	if err == nil && len(password) == 0 && f.passwordFile != "" {
		password, err = env.Prompt.Password(q) // an empty file is no password
	}
	return string(password), err
}
