package tpm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
)

// caAttributes are what a URI says of an attestation CA.
func caAttributes(c *tpmtest.AttestationCA) string {
	return ";attestation-ca-url=" + c.URL + ";attestation-ca-root=" + c.TLSRoot
}

func create(t *testing.T, e kms.KeyCreator, uri string, spec keyfile.KeySpec) kms.Key {
	t.Helper()
	key, err := e.CreateKey(t.Context(), uri, spec)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAttest(t *testing.T) {
	t.Parallel()
	ca := tpmtest.NewAttestationCA(t)
	for name, ek := range map[string]bool{"with a certificate of the endorsement key": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, tpmtest.New(t, ek), t.TempDir(), caAttributes(ca))
			key := create(t, e, "tpmkms:name=web", keyfile.KeySpec{})
			digest := sha256.Sum256([]byte("challenge"))
			a, err := e.Attest(t.Context(), key.URI, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			if a.Format != "tpm" || a.Alg != -257 || !bytes.Contains(a.CertInfo, digest[:]) || len(a.Device) == 0 {
				t.Errorf("Attest = %+v", a)
			}
			ak, err := e.PublicKey(t.Context(), "tpmkms:name=ak;ak=true")
			if err != nil {
				t.Fatal(err)
			}
			if !ak.(*rsa.PublicKey).Equal(a.Chain[0].PublicKey) {
				t.Error("the chain is not for the attestation key")
			}
			sum := sha256.Sum256(a.CertInfo)
			if err := rsa.VerifyPKCS1v15(ak.(*rsa.PublicKey), crypto.SHA256, sum[:], a.Signature[6:]); err != nil {
				t.Errorf("the signature: %v", err)
			}
		})
	}
}

// TestAttestBy has keys that are made for attestation keys of their own.
func TestAttestBy(t *testing.T) {
	t.Parallel()
	ca := tpmtest.NewAttestationCA(t)
	e := open(t, tpmtest.New(t, false), t.TempDir(), caAttributes(ca))
	ak := create(t, e, "tpmkms:name=mine;ak=true", keyfile.KeySpec{Type: keyfile.EC})
	key := create(t, e, "tpmkms:name=web;attest-by=mine", keyfile.KeySpec{Type: keyfile.RSA, Size: 2048})
	if want := "tpmkms:name=web;attest-by=mine"; key.URI != want {
		t.Errorf("URI %s, want %s", key.URI, want)
	}
	a, err := e.Attest(t.Context(), "tpmkms:name=web", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Alg != -7 || !ak.Public.(interface{ Equal(crypto.PublicKey) bool }).Equal(a.Chain[0].PublicKey) {
		t.Errorf("attested with algorithm %d by another key than the one asked for", a.Alg)
	}
	if _, err := e.Attest(t.Context(), "tpmkms:name=mine;ak=true", nil); err == nil || !strings.Contains(err.Error(), "vouches for other keys") {
		t.Errorf("Attest of an attestation key: %v", err)
	}
	keys, err := e.Keys(t.Context())
	if err != nil || len(keys) != 2 || keys[0].URI != ak.URI || keys[1].URI != key.URI {
		t.Errorf("Keys = %v, %v", keys, err)
	}
}

// TestAKCertificateRenewed gets another certificate when 60 % of its time is over,
// and not before.
func TestAKCertificateRenewed(t *testing.T) {
	t.Parallel()
	ca, device, dir := tpmtest.NewAttestationCA(t), tpmtest.New(t, false), t.TempDir()
	create(t, open(t, device, dir, ""), "tpmkms:name=web", keyfile.KeySpec{})
	attest := func(attributes string, issued int) {
		t.Helper()
		if _, err := open(t, device, dir, attributes).Attest(t.Context(), "tpmkms:name=web", nil); err != nil {
			t.Fatal(err)
		}
		if ca.Issued != issued {
			t.Errorf("%d certificates issued, want %d", ca.Issued, issued)
		}
	}
	ca.Validity = 10 * time.Second // begun a minute ago, so more than 60 % are over
	attest(caAttributes(ca), 1)
	ca.Validity = time.Hour
	attest(caAttributes(ca)+";renewal-percentage=99", 1)
	attest(caAttributes(ca)+";disable-early-renewal=true", 1)
	attest(caAttributes(ca), 2)
	attest(caAttributes(ca), 2)
	attest("", 2)
	attest(caAttributes(ca)+";renewal-percentage=1", 3)
}

// TestAKCertificateByHand has an attestation key sign a request, the certificate
// for which somebody issues who has seen the machine.
func TestAKCertificateByHand(t *testing.T) {
	t.Parallel()
	e := open(t, tpmtest.New(t, false), t.TempDir(), "")
	issuer, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]keyfile.KeySpec{"RSA": {Type: keyfile.RSA}, "EC": {Type: keyfile.EC}} {
		uri := "tpmkms:name=" + name + ";ak=true"
		create(t, e, uri, spec)
		create(t, e, "tpmkms:name=web"+name+";attest-by="+name, keyfile.KeySpec{})
		if _, err := e.Attest(t.Context(), "tpmkms:name=web"+name, nil); err == nil || !strings.Contains(err.Error(), "has no certificate") {
			t.Errorf("Attest without a certificate: %v", err)
		}
		signer, err := e.Signer(t.Context(), uri)
		if err != nil {
			t.Fatal(err)
		}
		if err := signer.Probe(t.Context()); err != nil {
			t.Errorf("Probe: %v", err)
		}
		// More than the TPM takes at a time.
		request := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{strings.Repeat("a", 3000)}}
		der, err := x509.CreateCertificateRequest(rand.Reader, request, signer)
		if err != nil {
			t.Fatal(err)
		}
		if request, err = x509.ParseCertificateRequest(der); err == nil {
			err = request.CheckSignature()
		}
		if err != nil {
			t.Fatal(err)
		}
		forged := append([]byte{0xff, 'T', 'C', 'G', 0x80, 0x17}, der...)
		if _, err := crypto.SignMessage(signer, rand.Reader, forged, crypto.SHA256); err == nil {
			t.Error("an attestation key signed a statement that its TPM did not make")
		}
		if _, err := signer.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); err == nil {
			t.Error("an attestation key signed a digest")
		}
		store := func(key crypto.PublicKey, notAfter time.Time) error {
			template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: notAfter}
			der, err := x509.CreateCertificate(rand.Reader, template, template, key, issuer)
			if err != nil {
				t.Fatal(err)
			}
			crt, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			return e.StoreCertificates(t.Context(), uri, []*x509.Certificate{crt})
		}
		if err := store(issuer.Public(), time.Now().Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "is not for attestation key") {
			t.Errorf("a certificate for another key: %v", err)
		}
		if err := store(request.PublicKey, time.Now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Attest(t.Context(), "tpmkms:name=web"+name, nil); err == nil || !strings.Contains(err.Error(), "expired on") {
			t.Errorf("Attest with a certificate that has expired: %v", err)
		}
		if err := store(request.PublicKey, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Attest(t.Context(), "tpmkms:name=web"+name, nil); err != nil {
			t.Errorf("Attest with a certificate: %v", err)
		}
	}
}

// TestFiles looks at what is in the directory.
func TestFiles(t *testing.T) {
	t.Parallel()
	device, dir := tpmtest.New(t, false), filepath.Join(t.TempDir(), "tpm")
	e := open(t, device, dir, "")
	key := create(t, e, "tpmkms:name=web", keyfile.KeySpec{})
	file := filepath.Join(dir, "web.key.json")
	for name, perm := range map[string]os.FileMode{dir: 0o700, file: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != perm {
			t.Errorf("%s: %v, %v, want mode %o", name, info, err, perm)
		}
	}
	// Another TPM cannot use it.
	other := open(t, tpmtest.New(t, false), dir, "")
	signer, err := other.Signer(t.Context(), key.URI)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(nil, make([]byte, 32), crypto.SHA256); err == nil || !strings.Contains(err.Error(), "another TPM") {
		t.Errorf("Sign with another TPM: %v", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A copy under another name is not taken for another key.
	if err := os.WriteFile(filepath.Join(dir, "copy.key.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Signer(t.Context(), "tpmkms:copy"); err == nil || !strings.Contains(err.Error(), `it is about key "web"`) {
		t.Errorf("Signer of a copy: %v", err)
	}
	if err := e.DeleteKey(t.Context(), key.URI); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteKey(t.Context(), key.URI); !errors.Is(err, kms.ErrNotFound) {
		t.Errorf("DeleteKey of what is gone: %v", err)
	}
	if _, err := e.Signer(t.Context(), key.URI); !errors.Is(err, kms.ErrNotFound) {
		t.Errorf("Signer of what is gone: %v", err)
	}
}
