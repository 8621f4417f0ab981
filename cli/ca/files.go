package ca

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"

	"stepca/api"
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

// encodeChain returns the PEM of the chain in an answer of the CA.
func encodeChain(resp *api.SignResponse) []byte {
	return keyfile.EncodeCertificates(api.Certificates(resp.CertChain)...)
}

// writePair writes a private key, in the clear, and its certificate chain. The
// key goes first, so that there is never a certificate without its key; if the
// certificate cannot be written, the file of the key is as it was before.
func writePair(keyFile string, key crypto.PrivateKey, crtFile string, chain []byte) error {
	data, err := keyfile.EncodePrivateKey(key, keyfile.Traditional, nil)
	if err != nil {
		return err
	}
	old, existed, err := contents(keyFile)
	if err != nil {
		return cli.FileError(err)
	}
	if err := keyfile.WriteFile(keyFile, data, 0o600); err != nil {
		return cli.FileError(err)
	}
	err = keyfile.WriteFile(crtFile, chain, 0o600)
	switch {
	case err == nil:
		return nil
	case existed:
		return errors.Join(cli.FileError(err), keyfile.WriteFile(keyFile, old, 0o600))
	}
	if info, statErr := os.Stat(keyFile); statErr == nil && info.Mode().IsRegular() {
		return errors.Join(cli.FileError(err), os.Remove(keyFile))
	}
	return cli.FileError(err)
}

// contents returns what is in a file, if it is one that can be put back: pipes
// and devices do not count.
func contents(name string) (data []byte, existed bool, err error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, false, nil
	}
	if err == nil {
		data, err = os.ReadFile(name)
	}
	return data, true, err
}

// sameKey reports whether the certificate is for the public key.
func sameKey(crt *x509.Certificate, pub crypto.PublicKey) bool {
	k, ok := pub.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(crt.PublicKey)
}
