package authority

import (
	"context"
	"crypto"
	"crypto/x509"

	"stepca/cli"
	"stepca/keyfile"
)

// LoadPair reads a certificate chain, leaf first, and the leaf's private key, and
// checks that they belong together. With a KMS URI, or names that are one, they
// are objects of a key management system; pw decrypts files only.
func LoadPair(ctx context.Context, env *cli.Env, kms, crtName, keyName string, pw keyfile.Password) ([]*x509.Certificate, crypto.Signer, error) {
	chain, err := env.LoadCertificates(ctx, kms, crtName)
	if err != nil {
		return nil, nil, cli.FileError(err)
	}
	key, err := env.LoadSigner(ctx, kms, keyName, pw)
	if err != nil {
		return nil, nil, cli.FileError(err)
	}
	if err := keyfile.CheckPair(chain[0], key); err != nil {
		return nil, nil, err
	}
	return chain, key, nil
}
