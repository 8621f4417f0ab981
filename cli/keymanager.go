package cli

import (
	"context"
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
