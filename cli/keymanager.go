package cli

import (
	"context"
	"path/filepath"

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
