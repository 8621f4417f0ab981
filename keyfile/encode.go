package keyfile

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// A Format is the form in which a private key is written.
type Format int

// The formats of private keys.
const (
	// Traditional is PKCS #1 for RSA, SEC 1 for EC and PKCS #8 for the rest.
	// With a password it is PKCS #8 for all: the encryption that belongs to the
	// older forms is too weak to be written.
	Traditional Format = iota
	// PKCS8 is RFC 5958, with a password encrypted by PBES2.
	PKCS8
	// OpenSSH is OpenSSH's PROTOCOL.key.
	OpenSSH
)

// EncodePrivateKey returns key as PEM in the given format, encrypted unless
// password is nil. OpenSSH keys cannot have an empty password.
func EncodePrivateKey(key crypto.PrivateKey, format Format, password []byte) ([]byte, error) {
	block, err := privateBlock(key, format, password)
	if err != nil {
		return nil, fmt.Errorf("encoding the private key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

func privateBlock(key crypto.PrivateKey, format Format, password []byte) (*pem.Block, error) {
	switch {
	case format == OpenSSH && password == nil:
		return ssh.MarshalPrivateKey(key, "")
	case format == OpenSSH && len(password) == 0:
		return nil, fmt.Errorf("an OpenSSH key cannot be encrypted with an empty password")
	case format == OpenSSH:
		return ssh.MarshalPrivateKeyWithPassphrase(key, "", password)
	case password != nil:
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		sealed, err := encryptPKCS8(der, password, Iterations)
		return &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: sealed}, err
	default:
		label, der, err := marshalPrivateKey(key, format)
		return &pem.Block{Type: label, Bytes: der}, err
	}
}

// marshalPrivateKey returns the PEM label and the DER of a plain key.
func marshalPrivateKey(key crypto.PrivateKey, format Format) (label string, der []byte, err error) {
	if format == Traditional {
		switch k := key.(type) {
		case *rsa.PrivateKey:
			return "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k), nil
		case *ecdsa.PrivateKey:
			der, err = x509.MarshalECPrivateKey(k)
			return "EC PRIVATE KEY", der, err
		}
	}
	der, err = x509.MarshalPKCS8PrivateKey(key)
	return "PRIVATE KEY", der, err
}

// EncodePublicKey returns pub as SubjectPublicKeyInfo in PEM (RFC 5280 §4.1).
func EncodePublicKey(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
