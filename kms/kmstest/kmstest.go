// Package kmstest is the suite that every engine of package kms passes.
package kmstest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"stepca/keyfile"
	"stepca/kms"
)

// A Harness connects the suite to an engine.
type Harness struct {
	// Open opens the engine. Each call within one test sees the same keys, as
	// after a restart. The suite closes what it opens.
	Open func(t *testing.T) kms.Engine

	// Name returns a name for a key or certificate, another one for each word.
	Name func(t *testing.T, word string) string

	// Kinds are the kinds of keys that the engine makes. An engine that makes
	// none is not tested further than refusing what it does not have.
	Kinds []keyfile.KeySpec
}

// Run runs the suite. What an engine has no interface for is skipped.
func Run(t *testing.T, h Harness) {
	t.Run("a name without a key is ErrNotFound", h.missing)
	t.Run("closing twice is harmless", h.closeTwice)
	for i, spec := range h.Kinds {
		t.Run(specName(spec), func(t *testing.T) {
			// One key for all, because a TPM or a card takes long to make one.
			word := fmt.Sprint("key", i)
			key := h.create(t, word, spec)
			t.Run("signs after a restart", func(t *testing.T) { h.restart(t, key) })
			t.Run("signs certificates", func(t *testing.T) { h.certificate(t, key) })
			t.Run("signs for many at once", func(t *testing.T) { h.concurrent(t, key) })
			t.Run("gives up with its context", func(t *testing.T) { h.canceled(t, key) })
			t.Run("is never replaced unnoticed", func(t *testing.T) { h.existing(t, key, word, spec) })
			t.Run("decrypts if it is RSA", func(t *testing.T) { h.decrypt(t, key) })
			t.Run("comes with certificates", func(t *testing.T) { h.certificates(t, key, fmt.Sprint("certificate", i)) })
		})
	}
}

func specName(spec keyfile.KeySpec) string {
	if spec.Type == keyfile.RSA {
		return "RSA"
	}
	return spec.Type + " " + spec.Curve
}

func (h Harness) open(t *testing.T) kms.Engine {
	t.Helper()
	engine := h.Open(t)
	t.Cleanup(func() { engine.Close() })
	return engine
}

// create makes a key, in an engine that is closed before it returns.
func (h Harness) create(t *testing.T, word string, spec keyfile.KeySpec) kms.Key {
	t.Helper()
	engine := h.Open(t)
	creator, ok := engine.(kms.KeyCreator)
	if !ok {
		t.Fatal("the engine creates no keys, but the harness lists some")
	}
	key, err := creator.CreateKey(t.Context(), h.Name(t, word), spec)
	if err != nil {
		t.Fatalf("CreateKey(%+v): %v", spec, err)
	}
	if err := engine.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return key
}

func (h Harness) signer(t *testing.T, engine kms.Engine, uri string) kms.Signer {
	t.Helper()
	signer, err := engine.Signer(t.Context(), uri)
	if err != nil {
		t.Fatalf("Signer(%q): %v", uri, err)
	}
	return signer
}

func (h Harness) missing(t *testing.T) {
	engine := h.open(t)
	name := h.Name(t, "missing")
	if _, err := engine.Signer(t.Context(), name); !errors.Is(err, kms.ErrNotFound) {
		t.Errorf("Signer: %v, want ErrNotFound", err)
	}
	if _, err := engine.PublicKey(t.Context(), name); !errors.Is(err, kms.ErrNotFound) {
		t.Errorf("PublicKey: %v, want ErrNotFound", err)
	}
	if loader, ok := engine.(kms.CertificateLoader); ok {
		if _, err := loader.LoadCertificates(t.Context(), name); !errors.Is(err, kms.ErrNotFound) {
			t.Errorf("LoadCertificates: %v, want ErrNotFound", err)
		}
	}
}

func (h Harness) closeTwice(t *testing.T) {
	engine := h.Open(t)
	for range 2 {
		if err := engine.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func (h Harness) restart(t *testing.T, key kms.Key) {
	engine := h.open(t)
	signer := h.signer(t, engine, key.URI)
	if !equal(signer.Public(), key.Public) {
		t.Error("the signer has another public key than CreateKey returned")
	}
	pub, err := engine.PublicKey(t.Context(), key.URI)
	if err != nil {
		t.Fatalf("PublicKey: %v", err)
	}
	if !equal(pub, key.Public) {
		t.Error("PublicKey returns another key than CreateKey returned")
	}
	if err := signer.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	signAndVerify(t, signer)
}

// signAndVerify signs a message in the way of the key's kind.
func signAndVerify(t *testing.T, signer kms.Signer) {
	t.Helper()
	message := []byte("to be signed")
	digest := crypto.SHA256.New()
	digest.Write(message)
	sum := digest.Sum(nil)
	ctx := context.WithoutCancel(t.Context())
	var sig []byte
	var err error
	ok := false
	switch pub := signer.Public().(type) {
	case ed25519.PublicKey:
		sig, err = signer.SignContext(ctx, message, crypto.Hash(0))
		ok = err == nil && ed25519.Verify(pub, message, sig)
	case *ecdsa.PublicKey:
		sig, err = signer.SignContext(ctx, sum, crypto.SHA256)
		ok = err == nil && ecdsa.VerifyASN1(pub, sum, sig)
	case *rsa.PublicKey:
		sig, err = signer.SignContext(ctx, sum, crypto.SHA256)
		ok = err == nil && rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum, sig) == nil
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		sig, err2 := signer.SignContext(ctx, sum, pss)
		err = errors.Join(err, err2)
		ok = ok && err == nil && rsa.VerifyPSS(pub, crypto.SHA256, sum, sig, pss) == nil
	}
	if err != nil {
		t.Errorf("SignContext: %v", err)
	} else if !ok {
		t.Errorf("the signature of a %T does not verify", signer.Public())
	}
}

func (h Harness) certificate(t *testing.T, key kms.Key) {
	selfSigned(t, h.signer(t, h.open(t), key.URI))
}

// selfSigned returns a certificate that signer has signed for itself.
func selfSigned(t *testing.T, signer kms.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kmstest"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), kms.WithContext(t.Context(), signer))
	if err != nil {
		t.Fatalf("CreateCertificate: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		t.Errorf("the certificate's signature: %v", err)
	}
	return cert
}

func (h Harness) concurrent(t *testing.T, key kms.Key) {
	signer := h.signer(t, h.open(t), key.URI)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 2 {
				signAndVerify(t, signer)
			}
		})
	}
	group.Wait()
}

func (h Harness) canceled(t *testing.T, key kms.Key) {
	engine := h.open(t)
	signer := h.signer(t, engine, key.URI)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := signer.SignContext(ctx, make([]byte, 32), crypto.SHA256); !errors.Is(err, context.Canceled) {
		t.Errorf("SignContext: %v, want context.Canceled", err)
	}
	if _, err := kms.WithContext(ctx, signer).Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, context.Canceled) {
		t.Errorf("WithContext(…).Sign: %v, want context.Canceled", err)
	}
	if _, err := engine.Signer(ctx, key.URI); !errors.Is(err, context.Canceled) {
		t.Errorf("Signer: %v, want context.Canceled", err)
	}
	signAndVerify(t, signer)
}

// existing checks that creating a key of a name in use either fails or makes
// another version, with another URI.
func (h Harness) existing(t *testing.T, key kms.Key, word string, spec keyfile.KeySpec) {
	engine := h.open(t)
	again, err := engine.(kms.KeyCreator).CreateKey(t.Context(), h.Name(t, word), spec)
	switch {
	case err != nil && !errors.Is(err, kms.ErrExists):
		t.Errorf("CreateKey: %v, want ErrExists", err)
	case err == nil && again.URI == key.URI:
		t.Errorf("CreateKey replaced %s", key.URI)
	}
	if signer := h.signer(t, engine, key.URI); !equal(signer.Public(), key.Public) {
		t.Error("the first key is gone")
	}
}

func (h Harness) decrypt(t *testing.T, key kms.Key) {
	engine := h.open(t)
	loader, ok := engine.(kms.DecrypterLoader)
	if !ok {
		t.Skip("the engine does not decrypt")
	}
	decrypter, err := loader.Decrypter(t.Context(), key.URI)
	pub, isRSA := key.Public.(*rsa.PublicKey)
	if !isRSA {
		if !errors.Is(err, kms.ErrUnsupported) {
			t.Errorf("Decrypter of a %T: %v, want ErrUnsupported", key.Public, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("Decrypter: %v", err)
	}
	//lint:ignore SA1019 SCEP clients encrypt like that
	secret, err := rsa.EncryptPKCS1v15(rand.Reader, pub, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decrypter.Decrypt(rand.Reader, secret, nil); err != nil || string(got) != "secret" {
		t.Errorf("Decrypt: %q, %v", got, err)
	}
}

// certificates stores certificates and expects them back.
func (h Harness) certificates(t *testing.T, key kms.Key, word string) {
	engine := h.open(t)
	loader, loads := engine.(kms.CertificateLoader)
	storer, stores := engine.(kms.CertificateStorer)
	if !loads || !stores {
		t.Skip("the engine stores no certificates")
	}
	signer := h.signer(t, engine, key.URI)
	name := h.Name(t, word)
	for range 2 { // the second takes the place of the first
		cert := selfSigned(t, signer)
		if err := storer.StoreCertificates(t.Context(), name, []*x509.Certificate{cert}); err != nil {
			t.Fatalf("StoreCertificates: %v", err)
		}
		got, err := loader.LoadCertificates(t.Context(), name)
		if err != nil || len(got) == 0 || !got[0].Equal(cert) {
			t.Errorf("LoadCertificates: %d certificates, %v; want the one that was stored", len(got), err)
		}
	}
}

func equal(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}
