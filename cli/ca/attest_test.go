package ca_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/ca"
	"stepca/cli/clitest"
	"stepca/internal/acmetest"
	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/tpm"
	"stepca/template"
)

// newDeviceWorld is a world with a machine that has a TPM, and with an attestation
// CA that the provisioner believes.
func newDeviceWorld(t *testing.T) (*world, *tpmtest.AttestationCA, string) {
	t.Helper()
	device, attestationCA := tpmtest.New(t, true), tpmtest.NewAttestationCA(t)
	roots, err := os.ReadFile(attestationCA.RootFile)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: acmetest.New(t, map[string]any{
		"challenges": []string{"device-attest-01"}, "attestationFormats": []string{"tpm"},
		"attestationRoots": base64.StdEncoding.EncodeToString(roots),
	})}
	w.session = &clitest.Session{
		Commands: []cli.Command{ca.Command},
		Environ:  map[string]string{"STEPPATH": w.File("step")},
		KMS:      kms.Registry{kms.TPM: tpm.Open},
	}
	return w, attestationCA, device
}

// deviceLeaf reads a chain that the CA issued for a permanent identifier, and
// returns its leaf.
func (w *world) deviceLeaf(t *testing.T, file, identifier string) *x509.Certificate {
	t.Helper()
	chain, err := keyfile.LoadCertificates(file)
	if err != nil {
		t.Fatal(err)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(w.CA.Root)
	for _, crt := range chain[1:] {
		intermediates.AddCert(crt)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Fatal(err)
	}
	names, err := template.GeneralNames(chain[0])
	if want := (nouns.Identifier{Type: nouns.PermanentIdentifier, Value: identifier}); err != nil || len(names) != 1 || names[0].Identifier() != want {
		t.Errorf("the certificate names %v (%v), want %v", names, err, want)
	}
	return chain[0]
}

func TestDeviceAttestation(t *testing.T) {
	t.Parallel()
	w, attestationCA, device := newDeviceWorld(t)
	args := []string{"ca", "certificate", "laptop-17", w.File("laptop.crt"), "--ca-url", w.CA.URL, "--provisioner", "acme",
		"--attestation-uri", "tpmkms:name=laptop;device=" + device,
		"--attestation-ca-url", attestationCA.URL, "--attestation-ca-root", attestationCA.TLSRoot}
	r := w.run(t, args...)
	if r.Code != 0 || !strings.Contains(r.Stderr, `Using Device Attestation challenge to validate "laptop-17" .`) ||
		!strings.Contains(r.Stderr, "TPM INFO: manufacturer: IBM") || !strings.Contains(r.Stderr, "✔ Private Key: tpmkms:name=laptop") {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	leaf := w.deviceLeaf(t, w.File("laptop.crt"), "laptop-17")
	if _, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || leaf.Subject.CommonName != "laptop-17" {
		t.Errorf("the certificate is for %q with a %T", leaf.Subject, leaf.PublicKey)
	}
	// The next one is for the same key, and needs no new certificate of the attestation key.
	if r := w.run(t, append(args, "--force")...); r.Code != 0 {
		t.Fatalf("again: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	again := w.deviceLeaf(t, w.File("laptop.crt"), "laptop-17")
	if again.Equal(leaf) || !leaf.PublicKey.(*ecdsa.PublicKey).Equal(again.PublicKey) {
		t.Error("the second certificate is not another one for the same key")
	}
	if attestationCA.Issued != 1 {
		t.Errorf("the attestation CA issued %d certificates, want 1", attestationCA.Issued)
	}
}

// TestDeviceAttestationKinds has other kinds of keys, and a name for the key file
// that is not needed.
func TestDeviceAttestationKinds(t *testing.T) {
	t.Parallel()
	w, attestationCA, device := newDeviceWorld(t)
	r := w.run(t, "ca", "certificate", "laptop-17", w.File("laptop.crt"), w.File("laptop.key"), "--acme", w.Directory, "--kty", "RSA", "--size", "2048",
		"--attestation-uri", "tpmkms:name=laptop;device="+device, "--tpm-storage-directory", w.File("keys"),
		"--attestation-ca-url", attestationCA.URL, "--attestation-ca-insecure")
	if r.Code != 0 || !strings.Contains(r.Stderr, "The key stays in the device: "+w.File("laptop.key")+" is not written.") {
		t.Fatalf("exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
	if _, ok := w.deviceLeaf(t, w.File("laptop.crt"), "laptop-17").PublicKey.(*rsa.PublicKey); !ok {
		t.Error("the key is not an RSA key")
	}
	if _, err := os.Stat(w.File("laptop.key")); err == nil {
		t.Error("a key file was written")
	}
	for _, name := range []string{"laptop.key.json", "ak.ak.json", "ak.ak.crt"} {
		if _, err := os.Stat(w.File("keys/" + name)); err != nil {
			t.Error(err)
		}
	}
}

func TestDeviceAttestationRefused(t *testing.T) {
	t.Parallel()
	w, attestationCA, device := newDeviceWorld(t)
	uri := "tpmkms:name=laptop;device=" + device
	vouched := []string{"--attestation-ca-url", attestationCA.URL, "--attestation-ca-root", attestationCA.TLSRoot}
	foreign := tpmtest.NewAttestationCA(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--attestation-uri", uri}, `attestation key "ak" has no certificate; name an attestation CA`},
		{[]string{"--attestation-uri", uri, "--kty", "RSA"}, "flag '--kty' is for a new key"},
		{[]string{"--attestation-uri", "yubikey:slot-id=9c"}, "kms type 'yubikey' is not supported by this build"},
		{[]string{"--attestation-uri", "laptop.key"}, "it is not the URI of a key"},
		{[]string{"--attestation-uri", "tpmkms:"}, "name is missing"},
		{[]string{"--attestation-uri", "tpmkms:name=ak;ak=true;device=" + device}, "vouches for other keys; name one without ak=true"},
		{[]string{"--attestation-uri", uri, "--san", "a.example"}, "'--attestation-uri' and flag '--san' are mutually exclusive"},
		{[]string{"--attestation-uri", uri, "--standalone"}, "'--attestation-uri' and flag '--standalone' are mutually exclusive"},
		{[]string{"--attestation-uri", uri, "--token", "x"}, "'--attestation-uri' and flag '--token' are mutually exclusive"},
		{vouched, "flag '--attestation-ca-url' requires the '--attestation-uri' flag"},
		{nil, "not enough positional arguments"},
		{[]string{"--attestation-uri", uri, "--attestation-ca-url", "http://127.0.0.1"}, "attestation-ca-url is an https URL"},
		{[]string{"--attestation-uri", uri, "--attestation-ca-url", attestationCA.URL}, "certificate"}, // of its server
		{[]string{"--attestation-uri", "tpmkms:name=no;device=unix:" + w.File("none")}, "opening the TPM"},
		// The last: the stored certificate is one that the provisioner does not believe.
		{[]string{"--attestation-uri", uri, "--attestation-ca-url", foreign.URL, "--attestation-ca-root", foreign.TLSRoot}, "Unable to validate challenge: Attestation statement cannot be verified: x5c is not valid"},
	} {
		args := append([]string{"ca", "certificate", "laptop-17", w.File("laptop.crt"), "--acme", w.Directory}, tt.args...)
		if r := w.run(t, args...); r.Code == 0 || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("%q: exit code %d, want an error with %q; stderr:\n%s", tt.args, r.Code, tt.want, r.Stderr)
		}
	}
	if _, err := os.Stat(w.File("laptop.crt")); err == nil {
		t.Error("a certificate was written")
	}
	// Provisioners that are not ACME servers do not want attestations.
	r := w.run(t, "ca", "certificate", "laptop-17", w.File("laptop.crt"), "--ca-url", w.CA.URL, "--provisioner", "admin", "--attestation-uri", uri)
	if r.Code == 0 || !strings.Contains(r.Stderr, "flag '--attestation-uri' requires an ACME provisioner") {
		t.Errorf("with another provisioner: exit code %d, stderr:\n%s", r.Code, r.Stderr)
	}
}
