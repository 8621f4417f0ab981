package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LoadSigner reads a private key that can sign from a file; see ParseSigner.
func LoadSigner(name string, pw Password) (crypto.Signer, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseSigner(name, data, pw)
}

// ParseSigner returns the one private key in data, an *ecdsa.PrivateKey,
// *rsa.PrivateKey or ed25519.PrivateKey. Text, certificates, public keys and EC
// parameters beside it are passed over; two private keys are an error. A key
// that can only be used for key agreement is an error too.
func ParseSigner(name string, data []byte, pw Password) (crypto.Signer, error) {
	key, err := ParsePrivateKey(name, data, pw)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, parsingError(name, "a key of type %T cannot sign", key)
	}
	return signer, nil
}

// ParsePrivateKey is ParseSigner for every kind of key; besides signers it
// returns an *ecdh.PrivateKey for X25519.
func ParsePrivateKey(name string, data []byte, pw Password) (crypto.PrivateKey, error) {
	data = withoutBOM(data)
	if !isPEM(data) {
		return parsePrivateDER(name, data, pw)
	}
	all, err := blocks(name, data)
	if err != nil {
		return nil, err
	}
	keys := slices.DeleteFunc(slices.Clone(all), func(b *pem.Block) bool { return !isPrivateBlock(b) })
	switch len(keys) {
	case 1:
		return parsePrivateBlock(name, keys[0], pw)
	case 0:
		return nil, decodingError(name, "contains an unexpected header '%s', not a private key", all[0].Type)
	default:
		return nil, decodingError(name, "contains more than one PEM encoded block with a private key")
	}
}

func isPrivateBlock(b *pem.Block) bool { return strings.HasSuffix(b.Type, "PRIVATE KEY") }

// parsePrivateBlock decodes, and if need be decrypts, one private key.
func parsePrivateBlock(name string, block *pem.Block, pw Password) (key crypto.PrivateKey, err error) {
	open := opener(block)
	if open == nil {
		key, err = parsePlainBlock(block)
	} else {
		err = pw.decrypt(name, func(password []byte) (err error) {
			key, err = open(password)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var unexpected *unexpectedTypeError
	switch {
	case errors.As(err, &unexpected):
		return nil, decodingError(name, "%w", err)
	case err != nil:
		return nil, parsingError(name, "%w", err)
	}
	return key, nil
}

// An unexpectedTypeError is a PEM label we have no reader for.
type unexpectedTypeError struct{ label string }

func (e *unexpectedTypeError) Error() string {
	return fmt.Sprintf("contains an unexpected header '%s'", e.label)
}

// parsePlainBlock parses a private key that is not encrypted.
func parsePlainBlock(block *pem.Block) (crypto.PrivateKey, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "OPENSSH PRIVATE KEY":
		return parseOpenSSH(block, nil)
	case nebulaPrivateKey:
		return ecdh.X25519().NewPrivateKey(block.Bytes)
	default:
		return nil, &unexpectedTypeError{block.Type}
	}
}

// opener returns the function that decrypts and parses an encrypted key, or
// nil if block is not encrypted. The function returns ErrPassword if the
// password is wrong.
func opener(block *pem.Block) func(password []byte) (crypto.PrivateKey, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return func(password []byte) (crypto.PrivateKey, error) { return decryptPKCS8(block.Bytes, password) }
	case block.Type == cosignPrivateKey || block.Type == sigstorePrivateKey:
		return func(password []byte) (crypto.PrivateKey, error) { return decryptCosign(block.Bytes, password) }
	case block.Type == "OPENSSH PRIVATE KEY" && isEncryptedOpenSSH(block):
		return func(password []byte) (crypto.PrivateKey, error) { return parseOpenSSH(block, password) }
	case isLegacyEncrypted(block):
		return func(password []byte) (crypto.PrivateKey, error) { return decryptLegacy(block, password) }
	default:
		return nil
	}
}

// isLegacyEncrypted reports whether block has the encryption headers of RFC 1423.
func isLegacyEncrypted(block *pem.Block) bool { return block.Headers["DEK-Info"] != "" }

// decryptLegacy opens a key with RFC 1423 encryption (DES, 3DES, AES). One MD5
// round stands between the password and the key, so these are read, for the
// sake of existing authorities, and never written.
func decryptLegacy(block *pem.Block, password []byte) (crypto.PrivateKey, error) {
	//lint:ignore SA1019 it is deprecated for writers
	der, err := x509.DecryptPEMBlock(block, password)
	if err != nil {
		return nil, err
	}
	key, err := parsePlainBlock(&pem.Block{Type: block.Type, Bytes: der})
	var unexpected *unexpectedTypeError
	if err != nil && !errors.As(err, &unexpected) {
		// Padding tells only 255 of 256 wrong passwords.
		return nil, ErrPassword
	}
	return key, err
}

// parsePrivateDER parses PKCS #8 (also encrypted), PKCS #1 or SEC 1 in DER.
func parsePrivateDER(name string, der []byte, pw Password) (crypto.PrivateKey, error) {
	if !bytes.HasPrefix(der, []byte{0x30}) {
		return nil, decodingError(name, "not a valid PEM encoded block")
	}
	if isEncryptedPKCS8(der) {
		return parsePrivateBlock(name, &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}, pw)
	}
	for _, label := range []string{"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"} {
		if key, err := parsePlainBlock(&pem.Block{Type: label, Bytes: der}); err == nil {
			return key, nil
		}
	}
	return nil, parsingError(name, "not a private key in PKCS #8, SEC 1 or PKCS #1 form")
}
