package cli

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepca/keyfile"
	"stepca/kms"
)

// TPMDirectory is where the files of TPM keys are unless a URI says otherwise.
func (env *Env) TPMDirectory() string { return filepath.Join(env.Path.Dir(), "tpm") }

// OpenKMS opens the key manager that a URI names. The error is
// kms.ErrUnsupported if this program is linked without it, so that it is for
// step-kms-plugin.
func (env *Env) OpenKMS(ctx context.Context, uri string, pw keyfile.Password) (kms.Engine, error) {
	return env.KMS.Open(ctx, kms.Config{URI: uri, StorageDirectory: env.TPMDirectory(), Password: pw})
}

// managerURI is the URI of the key manager that has a key: the key's own says it
// too.
func managerURI(kmsURI, name string) string {
	if kmsURI != "" {
		return kmsURI
	}
	return name
}

// LoadSigner returns the private key called name: that in the file, or the
// object of a key management system when kmsURI is set or name is a KMS URI. pw
// decrypts files only.
func (env *Env) LoadSigner(ctx context.Context, kmsURI, name string, pw keyfile.Password) (crypto.Signer, error) {
	if !isKMSObject(kmsURI, name) {
		return keyfile.LoadSigner(name, pw)
	}
	engine, err := env.OpenKMS(ctx, managerURI(kmsURI, name), pw)
	if errors.Is(err, kms.ErrUnsupported) {
		return env.kmsSigner(ctx, kmsURI, name)
	}
	if err != nil {
		return nil, err
	}
	return engine.Signer(ctx, name) // the engine is open until the program ends
}

// LoadCertificates returns the certificates called name: those in the file, or
// those of an object of a key management system, as LoadSigner has it.
func (env *Env) LoadCertificates(ctx context.Context, kmsURI, name string) ([]*x509.Certificate, error) {
	if !isKMSObject(kmsURI, name) {
		return keyfile.LoadCertificates(name)
	}
	engine, err := env.OpenKMS(ctx, managerURI(kmsURI, name), keyfile.Password{})
	if err == nil {
		loader, ok := engine.(kms.CertificateLoader)
		if !ok {
			return nil, errors.Join(engine.Close(), fmt.Errorf("loading certificates %w by the key manager of %s", kms.ErrUnsupported, name))
		}
		chain, err := loader.LoadCertificates(ctx, name)
		return chain, errors.Join(err, engine.Close())
	}
	if !errors.Is(err, kms.ErrUnsupported) {
		return nil, err
	}
	out, err := env.runKMS(ctx, nil, withKMS([]string{"certificate"}, kmsURI, name)...)
	if err != nil {
		return nil, err
	}
	return keyfile.ParseCertificates(name, out)
}

// IsKMSKey reports whether a key from LoadSigner is kept by a key management
// system, so that there is nothing to write to a file.
func IsKMSKey(key crypto.PrivateKey) bool {
	switch key.(type) {
	case *kmsKey, kms.Signer:
		return true
	}
	return false
}

// isKMSObject: an existing file is always meant as one.
func isKMSObject(kmsURI, name string) bool {
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return kmsURI != "" || kms.IsURI(name)
}

// ownsKMS reports whether a command line, without the word kms, is for our own
// step kms and not for the plugin: if it names a key manager that this program is
// linked with, or asks for help.
func (env *Env) ownsKMS(root *cobra.Command, args []string) bool {
	group := subcommand(root, "kms")
	if group == nil {
		return false
	}
	if len(args) == 0 || slices.ContainsFunc(args, func(arg string) bool { return arg == "-h" || arg == "--help" }) {
		return true
	}
	return subcommand(group, args[0]) != nil && slices.ContainsFunc(args[1:], func(arg string) bool {
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
			arg = value // of a flag
		}
		scheme, _, ok := strings.Cut(arg, ":")
		return ok && env.KMS[strings.ToLower(scheme)] != nil
	})
}
