package va

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
	"stepca/ca"
)

// A vendor is the maker of devices: a root whose key signs attestation
// certificates.
type vendor struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	root *x509.Certificate
}

func newVendor(t testing.TB) *vendor {
	t.Helper()
	v := &vendor{t: t, key: ecKey(t, elliptic.P256())}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Vendor Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	v.root = v.sign(tmpl, v.key.Public())
	return v
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (v *vendor) sign(tmpl *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	v.t.Helper()
	parent := v.root
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, v.key)
	if err != nil {
		v.t.Fatal(err)
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil {
		v.t.Fatal(err)
	}
	return crt
}

// leaf attests a key with extensions.
func (v *vendor) leaf(pub crypto.PublicKey, extensions ...pkix.Extension) *x509.Certificate {
	v.t.Helper()
	return v.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Device"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtraExtensions: extensions,
	}, pub)
}

func extension(t testing.TB, oid asn1.ObjectIdentifier, value any) pkix.Extension {
	t.Helper()
	der, ok := value.([]byte)
	if !ok {
		var err error
		if der, err = asn1.Marshal(value); err != nil {
			t.Fatal(err)
		}
	}
	return pkix.Extension{Id: oid, Value: der}
}

func encodeCBOR(t testing.TB, v any) []byte {
	t.Helper()
	data, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// answer is the payload of a statement.
func answer(t testing.TB, format string, statement map[string]any) []byte {
	t.Helper()
	object := encodeCBOR(t, map[string]any{"fmt": format, "attStmt": statement})
	payload, err := json.Marshal(map[string]string{"attObj": base64.RawURLEncoding.EncodeToString(object)})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func (v *vendor) validation(id string, payload []byte) *acme.Validation {
	req := validation(acme.DeviceAttest01, ca.Identifier{Type: ca.PermanentIdentifier, Value: id})
	req.Payload = payload
	req.AcceptsFormat = func(string) bool { return true }
	req.AttestationRoots = []*x509.Certificate{v.root}
	return req
}

// attest validates a statement; on success it checks which key it binds.
func (v *vendor) attest(id, format string, statement map[string]any, key crypto.PublicKey, problem acme.ProblemType, text string) {
	v.t.Helper()
	got, err := New(Config{}).Validate(v.t.Context(), v.validation(id, answer(v.t, format, statement)))
	wantProblem(v.t, err, problem, false, text)
	if err != nil {
		return
	}
	want, err := acme.KeyFingerprint(key)
	if err != nil {
		v.t.Fatal(err)
	}
	if got.KeyFingerprint != want || got.Format != format {
		v.t.Errorf("attestation %+v, want key %s and format %s", got, want, format)
	}
}

// signature signs the key authorization with an attested key.
func signature(t testing.TB, key crypto.Signer, hash crypto.Hash) []byte {
	t.Helper()
	data := []byte(testKeyAuth)
	if hash != 0 {
		data = digest(hash, data)
	}
	sig, err := key.Sign(rand.Reader, data, hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

const badStatement = acme.ProblemBadAttestationStatement

func TestAttestApple(t *testing.T) {
	t.Parallel()
	v, key := newVendor(t), ecKey(t, elliptic.P384())
	nonce := sha256.Sum256([]byte(testToken))
	serial := pkix.Extension{Id: oidAppleSerialNumber, Value: []byte("C8RWGXZXWWW5")}
	udid := pkix.Extension{Id: oidAppleUDID, Value: []byte("00008030-0000")}
	fresh := pkix.Extension{Id: oidAppleNonce, Value: nonce[:]}
	stale := pkix.Extension{Id: oidAppleNonce, Value: make([]byte, 32)}
	chain := func(ext ...pkix.Extension) map[string]any {
		return map[string]any{"x5c": []any{v.leaf(key.Public(), ext...).Raw}}
	}
	v.attest("C8RWGXZXWWW5", "apple", chain(serial, udid, fresh), key.Public(), "", "")
	v.attest("00008030-0000", "apple", chain(serial, udid, fresh), key.Public(), "", "")
	v.attest("other", "apple", chain(serial, udid, fresh), nil, badStatement, "permanent identifier does not match")
	v.attest("", "apple", chain(fresh), nil, badStatement, "permanent identifier does not match")
	v.attest("C8RWGXZXWWW5", "apple", chain(serial, stale), nil, badStatement, "challenge token does not match")
	v.attest("C8RWGXZXWWW5", "apple", chain(serial), nil, badStatement, "no freshness code")
	v.attest("C8RWGXZXWWW5", "apple", map[string]any{}, nil, badStatement, "x5c not present")
	v.attest("C8RWGXZXWWW5", "apple", map[string]any{"x5c": []any{}}, nil, badStatement, "x5c is empty")
	v.attest("C8RWGXZXWWW5", "apple", map[string]any{"x5c": []any{[]byte("x")}}, nil, badStatement, "x5c is malformed")
	other := newVendor(t)
	foreign := map[string]any{"x5c": []any{other.leaf(key.Public(), serial, fresh).Raw}}
	v.attest("C8RWGXZXWWW5", "apple", foreign, nil, badStatement, "x5c is not valid")
}

func TestAttestStep(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	yubikey := extension(t, oidYubicoSerialNumber, 123456)
	managed := extension(t, oidStepManagedDevice, struct{ ID string }{"device-1"})
	for _, tt := range []struct {
		key  crypto.Signer
		hash crypto.Hash
	}{
		{ecKey(t, elliptic.P256()), crypto.SHA256},
		{ecKey(t, elliptic.P384()), crypto.SHA384},
		{ecKey(t, elliptic.P521()), crypto.SHA512},
		{rsaKey, crypto.SHA256},
		{edKey, 0},
	} {
		sig := encodeCBOR(t, signature(t, tt.key, tt.hash))
		v.attest("123456", "step", map[string]any{"x5c": []any{v.leaf(tt.key.Public(), yubikey).Raw}, "sig": sig, "alg": -7}, tt.key.Public(), "", "")
		v.attest("device-1", "step", map[string]any{"x5c": []any{v.leaf(tt.key.Public(), managed).Raw}, "sig": sig}, tt.key.Public(), "", "")
		v.attest("654321", "step", map[string]any{"x5c": []any{v.leaf(tt.key.Public(), yubikey).Raw}, "sig": sig}, nil, badStatement, "permanent identifier does not match")
	}
	key := ecKey(t, elliptic.P256())
	crt := v.leaf(key.Public(), yubikey).Raw
	other := encodeCBOR(t, signature(t, ecKey(t, elliptic.P256()), crypto.SHA256))
	v.attest("123456", "step", map[string]any{"x5c": []any{crt}, "sig": other}, nil, badStatement, "failed to validate signature")
	v.attest("123456", "step", map[string]any{"x5c": []any{crt}}, nil, badStatement, "sig not present")
	v.attest("123456", "step", map[string]any{"x5c": []any{crt}, "sig": []byte("x")}, nil, badStatement, "sig is malformed")
	p224 := ecKey(t, elliptic.P224())
	v.attest("123456", "step", map[string]any{"x5c": []any{v.leaf(p224.Public(), yubikey).Raw}, "sig": encodeCBOR(t, signature(t, p224, crypto.SHA256))},
		nil, badStatement, "unsupported elliptic curve")
}

func TestAttestAndroid(t *testing.T) {
	t.Parallel()
	v, key := newVendor(t), ecKey(t, elliptic.P256())
	describe := func(challenge, serial string, level int) pkix.Extension {
		return extension(t, oidAndroidAttestation, describedBy(t, challenge, serial, level))
	}
	sig := signature(t, key, crypto.SHA256)
	statement := func(ext ...pkix.Extension) map[string]any {
		return map[string]any{"x5c": []any{v.leaf(key.Public(), ext...).Raw, v.root.Raw}, "sig": sig}
	}
	v.attest("PIXEL1", "android-key", statement(describe(testKeyAuth, "PIXEL1", 1)), key.Public(), "", "")
	v.attest("PIXEL2", "android-key", statement(describe(testKeyAuth, "PIXEL1", 1)), nil, badStatement, "permanent identifier does not match")
	v.attest("PIXEL1", "android-key", statement(describe("old", "PIXEL1", 1)), nil, badStatement, "challenge mismatch")
	v.attest("PIXEL1", "android-key", statement(describe(testKeyAuth, "PIXEL1", 0)), nil, badStatement, "made by software")
	v.attest("PIXEL1", "android-key", statement(), nil, badStatement, "no certificate of x5c has a key description")
	imported := describedBy(t, testKeyAuth, "PIXEL1", 1)
	imported.HardwareEnforced = authorizationList(t, map[int]any{tagOrigin: 2, tagIDSerial: []byte("PIXEL1")})
	v.attest("PIXEL1", "android-key", statement(extension(t, oidAndroidAttestation, imported)), nil, badStatement, "not generated by the hardware")
	imported.HardwareEnforced = authorizationList(t, map[int]any{tagIDSerial: []byte("PIXEL1")})
	imported.SoftwareEnforced = authorizationList(t, map[int]any{tagOrigin: originGenerated})
	v.attest("PIXEL1", "android-key", statement(extension(t, oidAndroidAttestation, imported)), nil, badStatement, "not generated by the hardware")
	emulated := describedBy(t, testKeyAuth, "PIXEL1", 1)
	emulated.KeyMintSecurityLevel = 0
	v.attest("PIXEL1", "android-key", statement(extension(t, oidAndroidAttestation, emulated)), nil, badStatement, "made by software")
	reissued := *v.root // an older certificate of the root, over by now
	reissued.SerialNumber, reissued.NotAfter = big.NewInt(9), time.Now().Add(-time.Minute)
	older := map[string]any{"x5c": []any{v.leaf(key.Public(), describe(testKeyAuth, "PIXEL1", 1)).Raw, v.sign(&reissued, v.key.Public()).Raw}, "sig": sig}
	v.attest("PIXEL1", "android-key", older, key.Public(), "", "")
	stranger := map[string]any{"x5c": []any{v.leaf(key.Public(), describe(testKeyAuth, "PIXEL1", 1)).Raw, newVendor(t).root.Raw}, "sig": sig}
	v.attest("PIXEL1", "android-key", stranger, nil, badStatement, "root certificate in chain is not trusted")
	rootless := map[string]any{"x5c": []any{v.leaf(key.Public(), describe(testKeyAuth, "PIXEL1", 1)).Raw}, "sig": sig}
	v.attest("PIXEL1", "android-key", rootless, nil, badStatement, "missing root certificate")

	revoked := New(Config{AndroidStatus: statusList(`{"entries":{"2":{"status":"REVOKED","reason":"KEY_COMPROMISE"}}}`)})
	payload := answer(t, "android-key", statement(describe(testKeyAuth, "PIXEL1", 1)))
	_, err := revoked.Validate(t.Context(), v.validation("PIXEL1", payload))
	wantProblem(t, err, badStatement, false, "revoked certificate")
	broken := New(Config{AndroidStatus: statusList(`{}`)})
	_, err = broken.Validate(t.Context(), v.validation("PIXEL1", payload))
	wantProblem(t, err, acme.ProblemServerInternal, true, "list of revoked Android attestation keys")
}

// describedBy is the description of a key that hardware of a security level made.
func describedBy(t testing.TB, challenge, serial string, level int) keyDescription {
	t.Helper()
	return keyDescription{
		AttestationVersion: 300, AttestationSecurityLevel: asn1.Enumerated(level), KeyMintVersion: 300, KeyMintSecurityLevel: asn1.Enumerated(level),
		AttestationChallenge: []byte(challenge), SoftwareEnforced: authorizationList(t, nil),
		HardwareEnforced: authorizationList(t, map[int]any{tagOrigin: originGenerated, tagIDSerial: []byte(serial)}),
	}
}

// authorizationList is one of members by their tags.
func authorizationList(t testing.TB, members map[int]any) asn1.RawValue {
	t.Helper()
	list := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true}
	for _, tag := range slices.Sorted(maps.Keys(members)) {
		value, err := asn1.Marshal(members[tag])
		if err != nil {
			t.Fatal(err)
		}
		m, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: value})
		if err != nil {
			t.Fatal(err)
		}
		list.Bytes = append(list.Bytes, m...)
	}
	return list
}

func TestAttestationObject(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	encode := base64.RawURLEncoding.EncodeToString
	for _, tt := range []struct {
		payload string
		problem acme.ProblemType
		text    string
	}{
		{`{}`, badStatement, "attObj must not be empty"},
		{`{"attObj":"` + encode([]byte("{}")) + `"}`, badStatement, "attObj must not be empty"},
		{``, acme.ProblemMalformed, "not a JSON object"},
		{`{"error":"no device"}`, acme.ProblemRejectedIdentifier, "no device"},
		{`{"attObj":"oA=="}`, badStatement, "failed base64 decoding"},
		{`{"attObj":"` + encode([]byte{0xff}) + `"}`, badStatement, "not well formed CBOR"},
		{`{"attObj":"` + encode(encodeCBOR(t, []int{1})) + `"}`, acme.ProblemMalformed, "not an attestation object"},
		{`{"attObj":"` + encode(encodeCBOR(t, map[string]any{"fmt": "packed", "attStmt": map[string]any{}})) + `"}`, badStatement, "unsupported attestation object format"},
	} {
		_, err := New(Config{}).Validate(t.Context(), v.validation("x", []byte(tt.payload)))
		wantProblem(t, err, tt.problem, false, tt.text)
	}
	req := v.validation("x", answer(t, "apple", map[string]any{}))
	req.AcceptsFormat = func(format string) bool { return format == "tpm" }
	_, err := New(Config{}).Validate(t.Context(), req)
	wantProblem(t, err, badStatement, false, "not enabled")
}

func TestBuiltInRoots(t *testing.T) {
	t.Parallel()
	want := []string{
		"ccf59ef8fcb3017d97f8b5fa6fa90e7a3f9283f76b55ac6cf6eda8b8b949f05b",
		"62760c6a6ef91679f454c8902b80fd009825b3f25da90f1fbace2ec6586cd5a8",
		"63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546",
		"cedb1cb6dc896ae5ec797348bce9286753c2b38ee71ce0fbe34a9a1248800dfc",
		"6d9db4ce6c5c0b293166d08986e05774a8776ceb525d9e4329520de12ba4bcc0",
	}
	var got []string
	for _, roots := range [][]*x509.Certificate{appleRoots(), yubicoRoots(), googleRoots()} {
		for _, root := range roots {
			sum := sha256.Sum256(root.Raw)
			got = append(got, hex.EncodeToString(sum[:]))
		}
	}
	for i := range max(len(want), len(got)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("fingerprints %q, want %q", got, want)
		}
	}
}

// TestBuiltInIntermediates: each leads to a root that is built in.
func TestBuiltInIntermediates(t *testing.T) {
	t.Parallel()
	want := []string{
		"4698a1d3389c3ec60016c216250f1d0439922832d65142327436376dc2942b55",
		"d4cc3f456fdaf4e7812a21aab1dfe9d8e27d24e2fd2d6f21c9940109f0daa754",
		"6de693f05376f5d8ca29069261e1c8626c75d503bd2edbfd75354cad1f722870",
		"2d55b7998f4e42569d6d8fa382b6dc77d1dacf07358b19701163892922b17052",
		"0c90b7d184a36edf50a35f9be935f0c5689bfdcfe5bdd073366cafb49061a440",
	}
	all := yubicoIntermediates()
	if len(all) != len(want) {
		t.Fatalf("%d intermediates, want %d", len(all), len(want))
	}
	for i, crt := range all {
		if sum := sha256.Sum256(crt.Raw); hex.EncodeToString(sum[:]) != want[i] {
			t.Errorf("%s has fingerprint %x, want %s", crt.Subject, sum, want[i])
		}
		_, err := crt.Verify(x509.VerifyOptions{Roots: pool(yubicoRoots()), Intermediates: pool(all), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err != nil {
			t.Errorf("%s: %v", crt.Subject, err)
		}
	}
}
