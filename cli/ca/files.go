package ca

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/keyfile"
)

// loadPair is authority.LoadPair for TLS.
func loadPair(ctx context.Context, env *cli.Env, kms, crtName, keyName string, pw keyfile.Password) (*tls.Certificate, error) {
	chain, key, err := authority.LoadPair(ctx, env, kms, crtName, keyName, pw)
	if err != nil {
		return nil, err
	}
	return tlsCertificate(chain, key), nil
}

// tlsCertificate is a chain, leaf first, with the leaf's key.
func tlsCertificate(chain []*x509.Certificate, key crypto.Signer) *tls.Certificate {
	crt := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		crt.Certificate = append(crt.Certificate, c.Raw)
	}
	return crt
}

// encodeDER returns the PEM of certificates.
func encodeDER(chain [][]byte) []byte {
	var data []byte
	for _, der := range chain {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return data
}

// saveCertificate writes a chain, leaf first, and tells the user.
func saveCertificate(env *cli.Env, name string, chain []*x509.Certificate) error {
	if err := keyfile.WriteFile(name, keyfile.EncodeCertificates(chain...), keyfile.SecretPerm); err != nil {
		return cli.FileError(err)
	}
	env.Selected("Certificate", name)
	return nil
}

// deliver prints certificates, or writes them to the file that args name, if they
// name one. saved is the format of the notice, with the file's name.
func deliver(env *cli.Env, args []string, force bool, saved string, certs ...*x509.Certificate) error {
	data := keyfile.EncodeCertificates(certs...)
	if len(args) == 0 {
		_, err := env.Stdout.Write(data)
		return err
	}
	if err := env.WriteFile(args[0], data, keyfile.SecretPerm, force); err != nil {
		return err
	}
	env.Noticef(saved, args[0])
	return nil
}

// writePair writes a private key, in the clear, and its certificate chain, both or
// neither. The key goes first, so that there is never a certificate without its
// key.
func writePair(keyFile string, key crypto.PrivateKey, crtFile string, chain []byte) error {
	data, err := keyfile.EncodePrivateKey(key, keyfile.Traditional, nil)
	if err != nil {
		return err
	}
	return cli.WriteFiles(
		cli.NewFile{Name: keyFile, Data: data, Perm: keyfile.SecretPerm},
		cli.NewFile{Name: crtFile, Data: chain, Perm: keyfile.SecretPerm},
	)
}
