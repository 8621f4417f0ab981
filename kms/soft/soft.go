// Package soft is the key manager of keys in files: softkms:path=ca.key,
// softkms:ca.key, or just ca.key, in any format that package keyfile reads.
package soft

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"stepca/keyfile"
	"stepca/kms"
)

// DefaultRSABits is the size of RSA keys that are created without one.
const DefaultRSABits = 3072

// An Engine reads and writes key files. It keeps nothing between calls.
type Engine struct {
	password keyfile.Password
}

// Open returns the engine. Passwords come from the URI of the key (pin-value or
// pin-source), else from c.URI, and else from c.Password.
func Open(ctx context.Context, c kms.Config) (kms.Engine, error) {
	e := &Engine{password: c.Password}
	if c.URI != "" {
		uri, err := kms.ParseURI(c.URI)
		if err != nil {
			return nil, err
		}
		if e.password, err = passwordOf(uri, c.Password); err != nil {
			return nil, err
		}
	}
	return e, ctx.Err()
}

// passwordOf returns the password that uri has, or otherwise.
func passwordOf(uri *kms.URI, otherwise keyfile.Password) (keyfile.Password, error) {
	pin, err := uri.PIN(otherwise.Ask)
	if err != nil || pin.IsZero() {
		return otherwise, err
	}
	return keyfile.FixedPassword(pin.Reveal()), nil
}

// locate returns the file that name means, and its password.
func (e *Engine) locate(name string) (string, keyfile.Password, error) {
	scheme, _, ok := strings.Cut(name, ":")
	if !ok || !strings.EqualFold(scheme, kms.Soft) {
		if kms.IsURI(name) {
			return "", keyfile.Password{}, fmt.Errorf("error parsing %s: scheme not expected, %s keys are files", name, kms.Soft)
		}
		return name, e.password, nil
	}
	uri, err := kms.ParseURI(name)
	if err != nil {
		return "", keyfile.Password{}, err
	}
	path := uri.Get("path")
	if path == "" {
		path = uri.Opaque
	}
	if path == "" {
		return "", keyfile.Password{}, fmt.Errorf("error parsing %s: path is missing", uri)
	}
	pw, err := passwordOf(uri, e.password)
	return path, pw, err
}

// Signer reads a private key.
func (e *Engine) Signer(ctx context.Context, name string) (kms.Signer, error) {
	key, err := e.load(ctx, name)
	if err != nil {
		return nil, err
	}
	return kms.Local(key), nil
}

func (e *Engine) load(ctx context.Context, name string) (crypto.Signer, error) {
	path, pw, err := e.locate(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key, err := keyfile.LoadSigner(path, pw)
	return key, kind(err)
}

// PublicKey reads a public key, or the public half of a private key, or the key
// of a certificate or certificate request.
func (e *Engine) PublicKey(ctx context.Context, name string) (crypto.PublicKey, error) {
	path, pw, err := e.locate(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pub, err := keyfile.LoadPublicKey(path, pw)
	return pub, kind(err)
}

// CreateKey writes a new private key to a file that must not be there yet,
// encrypted if there is a password.
func (e *Engine) CreateKey(ctx context.Context, name string, spec keyfile.KeySpec) (kms.Key, error) {
	path, pw, err := e.locate(name)
	if err != nil {
		return kms.Key{}, err
	}
	if err := ctx.Err(); err != nil {
		return kms.Key{}, err
	}
	// CreateFile decides, but a refusal should come before the work and the prompt.
	if _, err := os.Lstat(path); err == nil {
		return kms.Key{}, &kindError{&keyfile.FileError{Op: "writing", Name: path, Err: fs.ErrExist}, kms.ErrExists}
	}
	if spec.Type == keyfile.RSA && spec.Size == 0 {
		spec.Size = DefaultRSABits
	}
	key, err := keyfile.Generate(spec)
	if err != nil {
		return kms.Key{}, &kindError{err, kms.ErrUnsupported}
	}
	var password []byte
	if pw.Ask != nil {
		if password, err = pw.Ask("Please enter the password to encrypt " + path); err != nil {
			return kms.Key{}, err
		}
		password = append([]byte{}, password...) // not nil: an empty password is one
	}
	text, err := keyfile.EncodePrivateKey(key, keyfile.PKCS8, password)
	if err != nil {
		return kms.Key{}, err
	}
	if err := keyfile.CreateFile(path, text, keyfile.SecretPerm); err != nil {
		return kms.Key{}, kind(err)
	}
	return kms.Key{URI: uriOf(path), Public: key.Public()}, nil
}

// uriOf returns the URI of a file.
func uriOf(path string) string {
	return kms.Soft + ":path=" + strings.NewReplacer("%", "%25", ";", "%3B", "?", "%3F").Replace(path)
}

// Decrypter reads a private RSA key.
func (e *Engine) Decrypter(ctx context.Context, name string) (crypto.Decrypter, error) {
	key, err := e.load(ctx, name)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("decrypting with a key of kind %s %w; SCEP needs an RSA key", keyfile.Describe(key.Public()), kms.ErrUnsupported)
	}
	return rsaKey, nil
}

// LoadCertificates reads a certificate and its chain.
func (e *Engine) LoadCertificates(ctx context.Context, name string) ([]*x509.Certificate, error) {
	path, _, err := e.locate(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	chain, err := keyfile.LoadCertificates(path)
	return chain, kind(err)
}

// StoreCertificates writes a certificate and its chain.
func (e *Engine) StoreCertificates(ctx context.Context, name string, chain []*x509.Certificate) error {
	path, _, err := e.locate(name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return keyfile.WriteFile(path, keyfile.EncodeCertificates(chain...), keyfile.SecretPerm)
}

// Close does nothing.
func (e *Engine) Close() error { return nil }

// A kindError is an error of a file that is also one of package kms.
type kindError struct{ err, kind error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.err, e.kind} }

// kind gives an error the kind it has in package kms, and leaves its text alone.
func kind(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &kindError{err, kms.ErrNotFound}
	case errors.Is(err, fs.ErrExist):
		return &kindError{err, kms.ErrExists}
	default:
		return err
	}
}
