package keyfile

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/secretbox"
)

// Labels of the encrypted keys that cosign writes.
const (
	cosignPrivateKey   = "ENCRYPTED COSIGN PRIVATE KEY"
	sigstorePrivateKey = "ENCRYPTED SIGSTORE PRIVATE KEY"
)

// cosignKey is the JSON in the PEM block: a PKCS #8 key in a NaCl secretbox.
type cosignKey struct {
	KDF struct {
		Name   string `json:"name"`
		Params struct {
			N int `json:"N"`
			R int `json:"r"`
			P int `json:"p"`
		} `json:"params"`
		Salt []byte `json:"salt"`
	} `json:"kdf"`
	Cipher struct {
		Name  string `json:"name"`
		Nonce []byte `json:"nonce"`
	} `json:"cipher"`
	Ciphertext []byte `json:"ciphertext"`
}

// decryptCosign opens a key of cosign. The error is ErrPassword if the password
// is wrong.
func decryptCosign(data, password []byte) (crypto.PrivateKey, error) {
	var k cosignKey
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("the encrypted key is malformed: %w", err)
	}
	if k.KDF.Name != "scrypt" || k.Cipher.Name != "nacl/secretbox" || len(k.Cipher.Nonce) != 24 {
		return nil, fmt.Errorf("encryption with %q and %q is not supported", k.KDF.Name, k.Cipher.Name)
	}
	params := k.KDF.Params
	kek, err := deriveScrypt(scryptParams{Salt: k.KDF.Salt, N: params.N, R: params.R, P: params.P}, password, 32)
	if err != nil {
		return nil, err
	}
	plain, ok := secretbox.Open(nil, k.Ciphertext, (*[24]byte)(k.Cipher.Nonce), (*[32]byte)(kek))
	if !ok {
		return nil, ErrPassword
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errors.New("what was encrypted is not a PKCS #8 key")
	}
	return key, nil
}
