package va

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
	"testing"
	"time"

	"stepca/acme"
)

func statusList(text string) AndroidStatusFunc {
	return func(context.Context) ([]byte, error) { return []byte(text), nil }
}

// sized is a TPM2B.
func sized(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

// The attributes of a TPM's signing key: fixedTPM, fixedParent,
// sensitiveDataOrigin, userWithAuth, sign.
const signingKey = 0x00040072

// pubArea is the TPMT_PUBLIC of a P-256 key, written out by hand from the
// specification (Part 2, §12.2.4).
func pubArea(t testing.TB, pub *ecdsa.PublicKey, attributes uint32) []byte {
	t.Helper()
	point, err := pub.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b := []byte{0x00, 0x23, 0x00, 0x0b}
	b = binary.BigEndian.AppendUint32(b, attributes)
	b = append(b, 0, 0, 0, 0x10, 0, 0x10, 0, 0x03, 0, 0x10)
	return slices.Concat(b, sized(point[1:33]), sized(point[33:]))
}

// certInfo is the TPMS_ATTEST of TPM2_Certify for a public area.
func certInfo(extraData, public []byte) []byte {
	sum := sha256.Sum256(public)
	name := append([]byte{0, 0x0b}, sum[:]...)
	return slices.Concat([]byte{0xff, 0x54, 0x43, 0x47, 0x80, 0x17}, sized(name), sized(extraData), make([]byte, 17+8), sized(name), sized(name))
}

// akExtensions are what an AK certificate has; permanent is "" for no permanent
// identifier.
func akExtensions(t testing.TB, permanent string) []pkix.Extension {
	t.Helper()
	attribute := func(oid asn1.ObjectIdentifier, value string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: oid, Value: value}}
	}
	directory, err := asn1.Marshal(pkix.RDNSequence{attribute(oidTPMManufacturer, "id:53544D20"), attribute(oidTPMModel, "swtpm"), attribute(oidTPMVersion, "id:00010002")})
	if err != nil {
		t.Fatal(err)
	}
	names := []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: tagDirectoryName, IsCompound: true, Bytes: directory}}
	if permanent != "" {
		oid, err := asn1.Marshal(oidPermanentIdentifier)
		if err != nil {
			t.Fatal(err)
		}
		value, err := asn1.MarshalWithParams(struct {
			Value string `asn1:"utf8"`
		}{permanent}, "explicit,tag:0")
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagOtherName, IsCompound: true, Bytes: append(oid, value...)})
	}
	san := extension(t, oidSubjectAltName, names)
	san.Critical = true
	return []pkix.Extension{san, extension(t, asn1.ObjectIdentifier{2, 5, 29, 37}, []asn1.ObjectIdentifier{oidAIKCertificate})}
}

// ak is an AK certificate.
func (v *vendor) ak(pub crypto.PublicKey, extensions []pkix.Extension, subject pkix.Name) *x509.Certificate {
	return v.sign(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtraExtensions: extensions,
	}, pub)
}

// akSignature is the TPMT_SIGNATURE of an AK: RSASSA or ECDSA, with SHA-256.
func akSignature(t testing.TB, ak crypto.Signer, data []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(data)
	sig, err := ak.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := ak.(*rsa.PrivateKey); ok {
		return append([]byte{0, 0x14, 0, 0x0b}, sized(sig)...)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &rs); err != nil {
		t.Fatal(err)
	}
	return slices.Concat([]byte{0, 0x18, 0, 0x0b}, sized(rs.R.Bytes()), sized(rs.S.Bytes()))
}

func TestAttestTPM(t *testing.T) {
	t.Parallel()
	v, key := newVendor(t), ecKey(t, elliptic.P256())
	rsaAK, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecAK := ecKey(t, elliptic.P256())
	digest := sha256.Sum256([]byte(testKeyAuth))
	statement := func(ak crypto.Signer, crt *x509.Certificate, public, info []byte) map[string]any {
		return map[string]any{"ver": "2.0", "x5c": []any{crt.Raw}, "alg": -257, "sig": akSignature(t, ak, info), "certInfo": info, "pubArea": public}
	}
	public := pubArea(t, &key.PublicKey, signingKey)
	info := certInfo(digest[:], public)
	named, unnamed := v.ak(rsaAK.Public(), akExtensions(t, "laptop-1"), pkix.Name{}), v.ak(ecAK.Public(), akExtensions(t, ""), pkix.Name{})

	v.attest("laptop-1", "tpm", statement(rsaAK, named, public, info), key.Public(), "", "")
	v.attest("anything", "tpm", statement(ecAK, unnamed, public, info), key.Public(), "", "")
	v.attest("laptop-2", "tpm", statement(rsaAK, named, public, info), nil, badStatement, "permanent identifier does not match")
	strict := v.validation("anything", answer(t, "tpm", statement(ecAK, unnamed, public, info)))
	strict.RequirePermanentIdentifier = true
	_, err = New(Config{}).Validate(t.Context(), strict)
	wantProblem(t, err, badStatement, false, "permanent identifier does not match")

	v.attest("laptop-1", "tpm", statement(ecAK, named, public, info), nil, badStatement, "could not verify attestation")
	v.attest("laptop-1", "tpm", statement(rsaAK, named, public, certInfo([]byte("old"), public)), nil, badStatement, "key authorization invalid")
	v.attest("laptop-1", "tpm", statement(rsaAK, named, pubArea(t, &ecAK.PublicKey, signingKey), info), nil, badStatement, "refers to a different key")
	exportable := pubArea(t, &key.PublicKey, 0x00040040)
	v.attest("laptop-1", "tpm", statement(rsaAK, named, exportable, certInfo(digest[:], exportable)), nil, badStatement, "provided key is exportable")
	restricted := pubArea(t, &key.PublicKey, signingKey|0x10000)
	v.attest("laptop-1", "tpm", statement(rsaAK, named, restricted, certInfo(digest[:], restricted)), nil, badStatement, "provided key is restricted")
	quote := slices.Clone(info)
	quote[5] = 0x18
	v.attest("laptop-1", "tpm", statement(rsaAK, named, public, quote), nil, badStatement, "invalid certification parameters")
	v.attest("laptop-1", "tpm", statement(rsaAK, v.ak(rsaAK.Public(), akExtensions(t, "laptop-1"), pkix.Name{CommonName: "x"}), public, info),
		nil, badStatement, `AK certificate subject must be empty; got "CN=x"`)
	v.attest("laptop-1", "tpm", statement(rsaAK, v.ak(rsaAK.Public(), akExtensions(t, "laptop-1")[:1], pkix.Name{}), public, info),
		nil, badStatement, "missing Extended Key Usage")
	v.attest("laptop-1", "tpm", map[string]any{}, nil, badStatement, "ver not present")

	for member, change := range map[string]struct {
		value any
		text  string
	}{
		"alg":      {-65535, "invalid alg -65535"},
		"sig":      {[]byte{}, "sig is empty"},
		"certInfo": {nil, "invalid certInfo"},
		"pubArea":  {append(slices.Clone(public), 0), "trailing data"},
		"ver":      {"1.2", `version "1.2" is not supported`},
	} {
		s := statement(rsaAK, named, public, info)
		s[member] = change.value
		if change.value == nil {
			delete(s, member)
		}
		v.attest("laptop-1", "tpm", s, nil, badStatement, change.text)
	}
	rootless := v.validation("laptop-1", answer(t, "tpm", statement(rsaAK, named, public, info)))
	rootless.AttestationRoots = nil
	_, err = New(Config{}).Validate(t.Context(), rootless)
	wantProblem(t, err, acme.ProblemServerInternal, false, "attestationRoots")
}

// FuzzAttestation: no statement panics, and none that we did not sign is believed.
func FuzzAttestation(f *testing.F) {
	v, key := newVendor(f), ecKey(f, elliptic.P256())
	foreign := newVendor(f)
	digest := sha256.Sum256([]byte(testKeyAuth))
	public := pubArea(f, &key.PublicKey, signingKey)
	info := certInfo(digest[:], public)
	ak := ecKey(f, elliptic.P256())
	f.Add(encodeCBOR(f, map[string]any{"fmt": "tpm", "attStmt": map[string]any{
		"ver": "2.0", "x5c": []any{v.ak(ak.Public(), akExtensions(f, "x"), pkix.Name{}).Raw}, "alg": -7,
		"sig": akSignature(f, ak, info), "certInfo": info, "pubArea": public,
	}}))
	f.Add(encodeCBOR(f, map[string]any{"fmt": "step", "attStmt": map[string]any{
		"x5c": []any{v.leaf(key.Public(), extension(f, oidYubicoSerialNumber, 1)).Raw}, "sig": encodeCBOR(f, signature(f, key, crypto.SHA256)),
	}}))
	f.Add(encodeCBOR(f, map[string]any{"fmt": "apple", "attStmt": map[string]any{"x5c": []any{v.leaf(key.Public()).Raw}}}))
	f.Add(encodeCBOR(f, map[string]any{"fmt": "android-key", "attStmt": map[string]any{"x5c": []any{v.leaf(key.Public()).Raw, v.root.Raw}, "sig": []byte{1}}}))
	for _, name := range []string{"w3c-tpm", "w3c-android-key", "w3c-apple", "w3c-packed", "windows-2022", "pixel-2025", "pixel-2026", "apple-2020"} {
		f.Add(unbase64(f, loadRegistration(f, name).AttestationObject))
	}
	validator := New(Config{AndroidStatus: statusList(`{"entries":{}}`)})
	f.Fuzz(func(t *testing.T, object []byte) {
		payload, err := json.Marshal(map[string]string{"attObj": base64.RawURLEncoding.EncodeToString(object)})
		if err != nil {
			t.Fatal(err)
		}
		trusting := v.validation("fuzz", payload)
		_, _ = validator.Validate(t.Context(), trusting)
		trusting.AttestationRoots = []*x509.Certificate{foreign.root}
		if _, err := validator.Validate(t.Context(), trusting); err == nil {
			t.Error("a statement of an unknown vendor was believed")
		}
	})
}

// FuzzTPM: TPM structures, which come unsigned before they are verified, parse
// within bounds.
func FuzzTPM(f *testing.F) {
	key, ak := ecKey(f, elliptic.P256()), ecKey(f, elliptic.P256())
	public := pubArea(f, &key.PublicKey, signingKey)
	info := certInfo(nil, public)
	f.Add(public, akSignature(f, ak, info), info)
	for _, name := range []string{"w3c-tpm", "windows-2022"} {
		s := loadRegistration(f, name).tpm(f)
		f.Add(s.PubArea, s.Signature, s.CertInfo)
	}
	crt := &x509.Certificate{PublicKey: ak.Public()}
	f.Fuzz(func(t *testing.T, otherPublic, sig, otherInfo []byte) {
		s := tpmStatement{Alg: []byte{0x26}, PubArea: encodeCBOR(t, otherPublic), Signature: encodeCBOR(t, sig), CertInfo: encodeCBOR(t, otherInfo)}
		_, _, problem := s.certified(crt)
		if problem == nil && !(bytes.Equal(otherInfo, info) && bytes.Equal(otherPublic, public)) {
			t.Errorf("certified %x with %x, which the AK never signed", otherPublic, otherInfo)
		}
	})
}
