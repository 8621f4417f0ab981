package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// Labels of Nebula's keys, which are 32 bytes of X25519.
const (
	nebulaPublicKey  = "NEBULA X25519 PUBLIC KEY"
	nebulaPrivateKey = "NEBULA X25519 PRIVATE KEY"
)

// LoadPublicKey reads a public key from a file; see ParsePublicKey.
func LoadPublicKey(name string, pw Password) (crypto.PublicKey, error) {
	data, err := ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParsePublicKey(name, data, pw)
}

// ParsePublicKey returns the public key that data stands for: the one it is
// (PKIX or PKCS #1, PEM or DER, or a line of authorized_keys), or that of the
// certificate, certificate request or private key it is. A password is asked
// for only if a private key cannot be read without.
func ParsePublicKey(name string, data []byte, pw Password) (crypto.PublicKey, error) {
	object, err := ParseObject(name, data, pw)
	if err != nil {
		return nil, err
	}
	switch o := object.(type) {
	case *x509.Certificate:
		return o.PublicKey, nil
	case *x509.CertificateRequest:
		return o.PublicKey, nil
	case interface{ Public() crypto.PublicKey }: // every private key of the standard library
		return o.Public(), nil
	default:
		return object, nil
	}
}

// ParseObject returns the one thing that data holds, whatever it is: a
// crypto.PrivateKey, a crypto.PublicKey, an *x509.Certificate or an
// *x509.CertificateRequest, in PEM or DER, or the public key of a line of
// authorized_keys. More than one PEM block is an error, EC parameters before a
// key aside.
func ParseObject(name string, data []byte, pw Password) (any, error) {
	data = withoutBOM(data)
	if !isPEM(data) {
		return parseObjectDER(name, data, pw)
	}
	all, err := blocks(name, data)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 && all[0].Type == "EC PARAMETERS" { // openssl ecparam -genkey
		all = all[1:]
	}
	if len(all) > 1 {
		return nil, decodingError(name, "contains more than one PEM encoded block")
	}
	return parseObjectBlock(name, all[0], pw)
}

func parseObjectBlock(name string, block *pem.Block, pw Password) (object any, err error) {
	switch {
	case isPrivateBlock(block):
		return parsePrivateBlock(name, block, pw)
	case isCertificateBlock(block):
		object, err = x509.ParseCertificate(block.Bytes)
	case isRequestBlock(block):
		object, err = x509.ParseCertificateRequest(block.Bytes)
	case block.Type == "PUBLIC KEY":
		object, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		object, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == nebulaPublicKey:
		object, err = ecdh.X25519().NewPublicKey(block.Bytes)
	default:
		return nil, decodingError(name, "contains an unexpected header '%s'", block.Type)
	}
	if err != nil {
		return nil, parsingError(name, "%w", err)
	}
	return object, nil
}

// parseObjectDER tries each kind; none can be taken for another.
func parseObjectDER(name string, data []byte, pw Password) (any, error) {
	if !bytes.HasPrefix(data, []byte{0x30}) {
		pub, err := parseAuthorizedKey(data)
		if err != nil {
			return nil, decodingError(name, "not a valid PEM encoded block")
		}
		return pub, nil
	}
	if pub, err := x509.ParsePKIXPublicKey(data); err == nil {
		return pub, nil
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return cert, nil
	}
	if csr, err := x509.ParseCertificateRequest(data); err == nil {
		return csr, nil
	}
	if pub, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return pub, nil
	}
	return parsePrivateDER(name, data, pw)
}

func isRequestBlock(b *pem.Block) bool { return strings.HasSuffix(b.Type, "CERTIFICATE REQUEST") }
