package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// maxBcryptRounds bounds the work an OpenSSH key may ask of its reader;
// ssh-keygen -a takes 16 unless told otherwise.
const maxBcryptRounds = 2_000

const opensshMagic = "openssh-key-v1\x00"

// opensshHeader is the start of an OpenSSH private key (OpenSSH's PROTOCOL.key)
// after the magic.
type opensshHeader struct {
	Cipher     string
	KDF        string
	KDFOptions []byte
	Rest       []byte `ssh:"rest"`
}

// kdfOptions are those of the KDF "bcrypt".
type kdfOptions struct {
	Salt   []byte
	Rounds uint32
}

func readOpenSSHHeader(data []byte) (opensshHeader, error) {
	var h opensshHeader
	body, ok := bytes.CutPrefix(data, []byte(opensshMagic))
	if !ok {
		return h, errors.New("not an OpenSSH private key")
	}
	err := ssh.Unmarshal(body, &h)
	return h, err
}

func isEncryptedOpenSSH(block *pem.Block) bool {
	h, err := readOpenSSHHeader(block.Bytes)
	return err == nil && h.Cipher != "none"
}

// parseOpenSSH parses a private key in OpenSSH's own format, decrypting it if
// password is not nil. The error is ErrPassword if the password is wrong.
func parseOpenSSH(block *pem.Block, password []byte) (crypto.PrivateKey, error) {
	h, err := readOpenSSHHeader(block.Bytes)
	if err != nil {
		return nil, err
	}
	// The PEM headers are not the key's, and x/crypto/ssh would heed them.
	text := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})
	var key any
	if h.Cipher == "none" {
		key, err = ssh.ParseRawPrivateKey(text)
	} else {
		var opts kdfOptions
		if err := ssh.Unmarshal(h.KDFOptions, &opts); err != nil {
			return nil, fmt.Errorf("the key derivation options are malformed: %w", err)
		}
		if opts.Rounds > maxBcryptRounds {
			return nil, fmt.Errorf("key derivation with %d rounds is out of bounds", opts.Rounds)
		}
		if len(password) == 0 {
			return nil, ErrPassword // OpenSSH never encrypts with an empty one
		}
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, password)
	}
	if err != nil {
		return nil, err
	}
	switch k := key.(type) {
	case *ed25519.PrivateKey:
		return *k, nil
	case *ecdsa.PrivateKey, *rsa.PrivateKey:
		return k, nil
	default: // DSA, which x/crypto/ssh reads too
		return nil, fmt.Errorf("private keys of type %T are not supported", key)
	}
}

// EncodeAuthorizedKey returns a line for authorized_keys, known_hosts or a .pub
// file: type, base64 and, unless it is empty, the comment, with a newline.
func EncodeAuthorizedKey(pub crypto.PublicKey, comment string) ([]byte, error) {
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key for OpenSSH: %w", err)
	}
	line := ssh.MarshalAuthorizedKey(key)
	if comment == "" {
		return line, nil
	}
	return fmt.Appendf(bytes.TrimSuffix(line, []byte("\n")), " %s\n", comment), nil
}

// parseAuthorizedKey parses the first line of the authorized_keys format.
func parseAuthorizedKey(data []byte) (crypto.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil, err
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	ck, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return nil, fmt.Errorf("keys of type %s are not supported", key.Type())
	}
	return ck.CryptoPublicKey(), nil
}
