package ssh

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"

	"stepca/cli"
	"stepca/keyfile"
)

// A publicKey is a public key or certificate as it was found, with the comment
// beside it.
type publicKey struct {
	ssh.PublicKey
	comment string
}

// parsePublicKey parses a line of authorized_keys or known_hosts, the base64 in
// it alone, or any key file that package keyfile reads.
func parsePublicKey(name string, data []byte) (publicKey, error) {
	text := bytes.TrimSpace(data)
	if key, comment, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return publicKey{key, comment}, nil
	}
	if _, _, key, comment, _, err := ssh.ParseKnownHosts(text); err == nil {
		return publicKey{key, comment}, nil
	}
	if wire, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		key, err := ssh.ParsePublicKey(wire)
		return publicKey{key, ""}, err
	}
	pub, err := keyfile.ParsePublicKey(name, text, keyfile.Password{})
	if err != nil {
		return publicKey{}, errors.New("not an SSH public key or certificate")
	}
	key, err := ssh.NewPublicKey(pub)
	return publicKey{key, ""}, err
}

// loadCertificate reads an SSH certificate, with the errors that scripts know.
func loadCertificate(env *cli.Env, name string) (*ssh.Certificate, string, error) {
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, "", err
	}
	key, err := parsePublicKey(name, data)
	if err != nil {
		return nil, "", fmt.Errorf("error parsing ssh certificate: %w", err)
	}
	cert, ok := key.PublicKey.(*ssh.Certificate)
	if !ok {
		return nil, "", fmt.Errorf("error decoding ssh certificate: %T is not an *ssh.Certificate", key.PublicKey)
	}
	return cert, key.comment, nil
}

// encodePublicKey is a line of authorized_keys with a comment, "" for none.
func encodePublicKey(key ssh.PublicKey, comment string) []byte {
	line := ssh.MarshalAuthorizedKey(key)
	if comment = printable(comment); comment == "" {
		return line
	}
	return fmt.Appendf(bytes.TrimSuffix(line, []byte("\n")), " %s\n", comment)
}

// A fingerprinter makes the line that ssh-keygen -l and ssh-add -l print.
type fingerprinter struct {
	format keyfile.FingerprintFormat

	// whole takes the hash of a certificate, and not of the key in it.
	whole bool
}

// openSSHFingerprint is the form that OpenSSH uses.
var openSSHFingerprint = fingerprinter{format: keyfile.Base64Raw}

func (f fingerprinter) line(key ssh.PublicKey, comment string) string {
	if comment = printable(comment); comment == "" {
		comment = "no comment"
	}
	return fmt.Sprintf("%d %s %s (%s)", keyBits(key), f.fingerprint(key), comment, keyKind(key))
}

func (f fingerprinter) fingerprint(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok && !f.whole {
		key = cert.Key
	}
	sum := sha256.Sum256(key.Marshal())
	return "SHA256:" + f.format.Format(sum[:])
}

// keyKind is what OpenSSH calls the algorithm of a key: ECDSA, ED25519-SK,
// RSA-CERT …
func keyKind(key ssh.PublicKey) string {
	if cert, ok := key.(*ssh.Certificate); ok {
		return keyKind(cert.Key) + "-CERT"
	}
	switch typ := key.Type(); {
	case typ == ssh.KeyAlgoSKECDSA256:
		return "ECDSA-SK"
	case typ == ssh.KeyAlgoSKED25519:
		return "ED25519-SK"
	case strings.HasPrefix(typ, "ecdsa-sha2-"):
		return "ECDSA"
	case typ == ssh.KeyAlgoED25519:
		return "ED25519"
	case typ == ssh.KeyAlgoRSA:
		return "RSA"
	default:
		return strings.ToUpper(strings.TrimPrefix(typ, "ssh-"))
	}
}

// keyBits is the size of a key as OpenSSH shows it.
func keyBits(key ssh.PublicKey) int {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	pub, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return 256 // the keys of security tokens, all on curves of that size
	}
	switch k := pub.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Params().BitSize
	}
	return 256 // Ed25519
}

// printable keeps what a stranger put into a certificate from moving the cursor,
// or from beginning a line of its own.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}
