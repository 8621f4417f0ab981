package ssh

import (
	"bytes"
	"cmp"
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

// parsePublicKeys parses the lines of authorized_keys, known_hosts or a .pub file,
// the base64 of one key alone, or any key file that package keyfile reads. There
// is at least one key if there is no error: lines that hold none count only if
// all of them do, as for ssh-keygen.
func parsePublicKeys(name string, data []byte) ([]publicKey, error) {
	var keys []publicKey
	for line := range bytes.Lines(data) {
		if key, ok := parseKeyLine(line); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) > 0 {
		return keys, nil
	}
	text := bytes.TrimSpace(data)
	if wire, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(wire) > 0 {
		key, err := ssh.ParsePublicKey(wire)
		return []publicKey{{key, ""}}, err
	}
	pub, err := keyfile.ParsePublicKey(name, text, keyfile.Password{})
	if err != nil {
		return nil, errors.New("not an SSH public key or certificate")
	}
	key, err := ssh.NewPublicKey(pub)
	return []publicKey{{key, ""}}, err
}

// parseKeyLine parses a line of authorized_keys or known_hosts. If there is no
// comment, what stands before the key takes its place, as for ssh-keygen: the
// names of a host, or options.
func parseKeyLine(line []byte) (publicKey, bool) {
	line = bytes.TrimSpace(line)
	if key, comment, options, _, err := ssh.ParseAuthorizedKey(line); err == nil {
		return publicKey{key, cmp.Or(comment, strings.Join(options, ","))}, true
	}
	_, hosts, key, comment, _, err := ssh.ParseKnownHosts(line) // with a marker
	return publicKey{key, cmp.Or(comment, strings.Join(hosts, ","))}, err == nil
}

// parsePublicKey is parsePublicKeys for the first key.
func parsePublicKey(name string, data []byte) (publicKey, error) {
	keys, err := parsePublicKeys(name, data)
	if err != nil {
		return publicKey{}, err
	}
	return keys[0], nil
}

// loadCertificate reads an SSH certificate, with the errors that scripts know.
func loadCertificate(env *cli.Env, name string) (*ssh.Certificate, string, error) {
	certs, err := loadCertificates(env, name)
	if err != nil {
		return nil, "", err
	}
	return certs[0].Certificate, certs[0].comment, nil
}

// loadCertificates reads the SSH certificates of a file, with those errors. Plain
// keys between them, as in what an agent lists, do not count.
func loadCertificates(env *cli.Env, name string) ([]identity, error) {
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, err
	}
	keys, err := parsePublicKeys(name, data)
	if err != nil {
		return nil, fmt.Errorf("error parsing ssh certificate: %w", err)
	}
	var certs []identity
	for _, key := range keys {
		if cert, ok := key.PublicKey.(*ssh.Certificate); ok {
			certs = append(certs, identity{cert, key.comment})
		}
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("error decoding ssh certificate: %T is not an *ssh.Certificate", keys[0].PublicKey)
	}
	return certs, nil
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
