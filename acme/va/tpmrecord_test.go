//go:build !windows

package va

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxudstpm"

	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/kms/tpm"
)

// write writes a recording.
func (r *recording) write(t *testing.T, name string) {
	t.Helper()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordingFile(name), append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRecordTPM writes testdata/tpm if -update is set, which needs swtpm.
func TestRecordTPM(t *testing.T) {
	if !*update {
		t.Skip("-update is not set")
	}
	recordClient(t)
	recordOddities(t)
}

// recordClient records statements of our own client.
func recordClient(t *testing.T) {
	v := newVendor(t)
	engine, err := tpm.Open(t.Context(), kms.Config{URI: "tpmkms:device=" + tpmtest.New(t, false), StorageDirectory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	e := engine.(*tpm.Engine)
	digest := sha256.Sum256([]byte(testKeyAuth))
	for _, c := range []struct {
		name    string
		ak, key keyfile.KeySpec
	}{
		{"rsa-ak-p256-key", keyfile.KeySpec{Type: keyfile.RSA}, keyfile.KeySpec{Type: keyfile.EC}},
		{"p256-ak-rsa-key", keyfile.KeySpec{Type: keyfile.EC}, keyfile.KeySpec{Type: keyfile.RSA}},
		{"p256-ak-p384-key", keyfile.KeySpec{Type: keyfile.EC}, keyfile.KeySpec{Type: keyfile.EC, Curve: keyfile.P384}},
	} {
		ak, err := e.CreateKey(t.Context(), "tpmkms:name="+c.name+";ak=true", c.ak)
		if err != nil {
			t.Fatal(err)
		}
		crt := v.ak(ak.Public, akExtensions(t, ""), pkix.Name{})
		if err := e.StoreCertificates(t.Context(), ak.URI, []*x509.Certificate{crt}); err != nil {
			t.Fatal(err)
		}
		key, err := e.CreateKey(t.Context(), "tpmkms:name="+c.name+";attest-by="+c.name, c.key)
		if err != nil {
			t.Fatal(err)
		}
		a, err := e.Attest(t.Context(), key.URI, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		(&recording{crt.RawSubjectPublicKeyInfo, a.Alg, a.CertInfo, a.Signature, a.PubArea}).write(t, c.name)
	}
}

// recordOddities records statements that a TPM makes, but that must not be
// believed.
func recordOddities(t *testing.T) {
	device, ok := strings.CutPrefix(tpmtest.New(t, false), "unix:")
	if !ok {
		t.Fatal("the TPM of the test is not at a socket")
	}
	tpm, err := linuxudstpm.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	key := tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, SignEncrypt: true}
	restricted, exportable, storage := key, key, key
	restricted.Restricted = true
	exportable.FixedTPM, exportable.FixedParent = false, false
	storage.SignEncrypt, storage.Decrypt = false, true

	ak := newOddKey(t, tpm, restricted, tpm2.TPMAlgSHA256)
	for _, odd := range []struct {
		name       string
		attributes tpm2.TPMAObject
		nameAlg    tpm2.TPMAlgID
	}{
		{"restricted", restricted, tpm2.TPMAlgSHA384},
		{"exportable", exportable, tpm2.TPMAlgSHA256},
		{"not-signing", storage, tpm2.TPMAlgSHA256},
		{"named-by-sha1", key, tpm2.TPMAlgSHA1},
	} {
		name, other := odd.name, newOddKey(t, tpm, odd.attributes, odd.nameAlg)
		answer, err := tpm2.Certify{ObjectHandle: other.auth(), SignHandle: ak.auth(), QualifyingData: qualifyingData(), InScheme: oddScheme}.Execute(tpm)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ak.record(t, name, other, answer.CertifyInfo.Bytes(), answer.Signature)
		other.flush(t, tpm)
	}

	quote, err := tpm2.Quote{SignHandle: ak.auth(), QualifyingData: qualifyingData(), InScheme: oddScheme}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
	ak.record(t, "quote", ak, quote.Quoted.Bytes(), quote.Signature)
	creation, err := tpm2.CertifyCreation{
		SignHandle: ak.auth(), ObjectHandle: tpm2.NamedHandle{Handle: ak.ObjectHandle, Name: ak.Name}, QualifyingData: qualifyingData(),
		CreationHash: ak.CreationHash, InScheme: oddScheme, CreationTicket: ak.CreationTicket,
	}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
	ak.record(t, "creation", ak, creation.CertifyInfo.Bytes(), creation.Signature)
	ak.flush(t, tpm)
}

func qualifyingData() tpm2.TPM2BData {
	digest := sha256.Sum256([]byte(testKeyAuth))
	return tpm2.TPM2BData{Buffer: digest[:]}
}

// oddScheme is what the attestation key signs with.
var oddScheme = tpm2.TPMTSigScheme{
	Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUSigScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSchemeHash{HashAlg: tpm2.TPMAlgSHA256}),
}

// An oddKey is a primary key on P-256.
type oddKey struct{ *tpm2.CreatePrimaryResponse }

func newOddKey(t *testing.T, tpm transport.TPM, attributes tpm2.TPMAObject, nameAlg tpm2.TPMAlgID) *oddKey {
	t.Helper()
	scheme := tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgNull}
	if attributes.Restricted {
		scheme = tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256})}
	}
	template := tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: nameAlg, ObjectAttributes: attributes,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			Symmetric: tpm2.TPMTSymDefObject{Algorithm: tpm2.TPMAlgNull}, Scheme: scheme,
			CurveID: tpm2.TPMECCNistP256, KDF: tpm2.TPMTKDFScheme{Scheme: tpm2.TPMAlgNull},
		}),
	}
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: tpm2.PasswordAuth(nil)}, InPublic: tpm2.New2B(template),
	}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
	return &oddKey{made}
}

func (k *oddKey) auth() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: k.ObjectHandle, Name: k.Name, Auth: tpm2.PasswordAuth(nil)}
}

func (k *oddKey) flush(t *testing.T, tpm transport.TPM) {
	t.Helper()
	if _, err := (tpm2.FlushContext{FlushHandle: k.ObjectHandle}).Execute(tpm); err != nil {
		t.Fatal(err)
	}
}

// record writes a statement of the attestation key k about other.
func (k *oddKey) record(t *testing.T, name string, other *oddKey, info []byte, signature tpm2.TPMTSignature) {
	t.Helper()
	area, err := k.OutPublic.Contents()
	if err != nil {
		t.Fatal(err)
	}
	public, err := tpm2.Pub(*area)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	(&recording{spki, -7, info, tpm2.Marshal(signature), other.OutPublic.Bytes()}).write(t, name)
}
