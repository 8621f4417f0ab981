package va

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1" // what Windows has its TPMs sign with
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-tpm/tpm2"

	"stepca/acme"
	"stepca/ca"
)

// The tests of this file read testdata/published, which says where each vector is
// from. They were made for other challenges than ours, so what they can show is
// told there too.

func published(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "published", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// publishedChain is a chain in PEM, leaf first.
func publishedChain(t testing.TB, name string) []*x509.Certificate {
	t.Helper()
	var chain []*x509.Certificate
	for block, rest := pem.Decode(published(t, name)); block != nil; block, rest = pem.Decode(rest) {
		crt, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		chain = append(chain, crt)
	}
	return chain
}

// chainOf is x5c of a chain.
func chainOf(chain []*x509.Certificate) []any {
	var x5c []any
	for _, crt := range chain {
		x5c = append(x5c, crt.Raw)
	}
	return x5c
}

// A registration is what a browser answers to navigator.credentials.create
// (WebAuthn Level 3 §5.1.8), as far as it matters.
type registration struct {
	AttestationObject string `json:"attestationObject"` // base64url
	ClientDataJSON    string `json:"clientDataJSON"`    // base64url
}

func loadRegistration(t testing.TB, name string) *registration {
	t.Helper()
	r := new(registration)
	if err := json.Unmarshal(published(t, "webauthn/"+name+".json"), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decode reads a member of the attestation object into v.
func (r *registration) decode(t testing.TB, member string, v any) {
	t.Helper()
	var object map[string]cbor.RawMessage
	if err := cbor.Unmarshal(unbase64(t, r.AttestationObject), &object); err != nil {
		t.Fatal(err)
	}
	if err := cbor.Unmarshal(object[member], v); err != nil {
		t.Fatal(err)
	}
}

func (r *registration) chain(t testing.TB) []*x509.Certificate {
	t.Helper()
	var s chainStatement
	r.decode(t, "attStmt", &s)
	chain, problem := s.parseChain()
	if problem != nil {
		t.Fatal(problem)
	}
	return chain
}

// A tpmParts is what a statement of format tpm has beside the chain.
type tpmParts struct {
	CertInfo  []byte `cbor:"certInfo"`
	PubArea   []byte `cbor:"pubArea"`
	Signature []byte `cbor:"sig"`
}

func (r *registration) tpm(t testing.TB) (s tpmParts) {
	t.Helper()
	r.decode(t, "attStmt", &s)
	return s
}

// signed is what statements of WebAuthn sign where ours sign the key authorization:
// authenticatorData and the digest of clientDataJSON (§6.5.4).
func (r *registration) signed(t testing.TB) []byte {
	t.Helper()
	var authData []byte
	r.decode(t, "authData", &authData)
	sum := sha256.Sum256(unbase64(t, r.ClientDataJSON))
	return append(authData, sum[:]...)
}

// key is the credential's public key, which authenticatorData ends with (§6.5.1): a
// COSE key (RFC 9053 §7.1, RFC 8230 §4).
func (r *registration) key(t testing.TB) interface{ Equal(crypto.PublicKey) bool } {
	t.Helper()
	var authData []byte
	r.decode(t, "authData", &authData)
	idLength := int(authData[53])<<8 | int(authData[54])
	var key map[int]any
	if err := cbor.Unmarshal(authData[55+idLength:], &key); err != nil {
		t.Fatal(err)
	}
	octets := func(label int) []byte { return key[label].([]byte) }
	if key[1] == uint64(3) {
		return &rsa.PublicKey{N: new(big.Int).SetBytes(octets(-1)), E: int(new(big.Int).SetBytes(octets(-2)).Int64())}
	}
	point, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, octets(-2), octets(-3)))
	if err != nil {
		t.Fatal(err)
	}
	return point
}

// validation takes the registration for an answer to a challenge, of which the key
// authorization would be keyAuthorization.
func (r *registration) validation(keyAuthorization []byte, roots []*x509.Certificate) *acme.Validation {
	return &acme.Validation{
		Type: acme.DeviceAttest01, Identifier: ca.Identifier{Type: ca.PermanentIdentifier, Value: "device"},
		Token: testToken, KeyAuthorization: string(keyAuthorization),
		Payload:          []byte(`{"attObj":"` + r.AttestationObject + `"}`),
		AcceptsFormat:    func(string) bool { return true },
		AttestationRoots: roots,
	}
}

// validatorAt validates at a time, with nothing revoked.
func validatorAt(now time.Time) *Validator {
	return New(Config{Now: func() time.Time { return now }, AndroidStatus: statusList(`{"entries":{}}`)})
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// TestPublishedTPM: everything in the statements holds but one thing, for which they
// are refused: the vector of WebAuthn Level 3 §16.13 is of a key without attributes,
// and the real machine with Windows signs a digest of SHA-1.
func TestPublishedTPM(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		root    *x509.Certificate
		now     time.Time
		hash    crypto.Hash
		text    string // why it is refused
		certify string // the same for what is certified
	}{
		{"w3c-tpm", publishedChain(t, "webauthn/w3c-root.pem")[0], day(2026, time.January, 1), crypto.SHA256, "provided key is exportable", "provided key is exportable"},
		{"windows-2022", loadRegistration(t, "windows-2022").chain(t)[1], day(2023, time.January, 1), crypto.SHA1, "invalid alg -65535", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, roots, v := loadRegistration(t, tt.name), []*x509.Certificate{tt.root}, validatorAt(tt.now)
			_, err := v.Validate(t.Context(), r.validation(r.signed(t), roots))
			wantProblem(t, err, badStatement, false, tt.text)
			_, err = validatorAt(day(2017, time.December, 31)).Validate(t.Context(), r.validation(r.signed(t), roots))
			wantProblem(t, err, badStatement, false, "x5c is not valid")

			chain := r.chain(t)
			ak := chain[0]
			handleSAN(ak)
			if problem := v.verifyChain(chain, nil, roots); problem != nil {
				t.Error(problem)
			}
			if names, problem := checkAK(ak); problem != nil || len(names) > 0 {
				t.Errorf("AK certificate: names %q, problem %v", names, problem)
			}
			s := r.tpm(t)
			public, err := unmarshalTPM[tpm2.TPMTPublic](s.PubArea)
			if err != nil {
				t.Fatal(err)
			}
			info, err := unmarshalTPM[tpm2.TPMSAttest](s.CertInfo)
			if err != nil {
				t.Fatal(err)
			}
			if problem := checkAKSignature(ak.PublicKey, tt.hash, s.CertInfo, s.Signature); problem != nil {
				t.Error(problem)
			}
			if want := digest(tt.hash, r.signed(t)); !bytes.Equal(info.ExtraData.Buffer, want) {
				t.Errorf("extraData %x, want %x", info.ExtraData.Buffer, want)
			}
			if problem := checkCertifyInfo(info, public); tt.certify != "" {
				wantProblem(t, orNil(problem), badStatement, false, tt.certify)
			} else if problem != nil {
				t.Error(problem)
			}
			if key, problem := publicKey(public); problem != nil || !r.key(t).Equal(key) {
				t.Errorf("key %v, want the credential's, %v; problem %v", key, r.key(t), problem)
			}
		})
	}
}

// TestPublishedApple: the chains of Apple's WebAuthn are like those of Managed
// Device Attestation, but say nothing of a challenge of ours.
func TestPublishedApple(t *testing.T) {
	t.Parallel()
	r := loadRegistration(t, "w3c-apple")
	_, err := validatorAt(day(2026, time.January, 1)).Validate(t.Context(), r.validation(r.signed(t), publishedChain(t, "webauthn/w3c-root.pem")))
	wantProblem(t, err, badStatement, false, "no freshness code")

	r = loadRegistration(t, "apple-2020")
	now := time.Date(2020, time.October, 7, 12, 0, 0, 0, time.UTC)
	_, err = validatorAt(now).Validate(t.Context(), r.validation(r.signed(t), r.chain(t)[1:]))
	wantProblem(t, err, badStatement, false, "no freshness code")
	_, err = validatorAt(now).Validate(t.Context(), r.validation(r.signed(t), nil))
	wantProblem(t, err, badStatement, false, "x5c is not valid")
}

// TestPublishedPacked: statements of security keys have no meaning here.
func TestPublishedPacked(t *testing.T) {
	t.Parallel()
	r := loadRegistration(t, "w3c-packed")
	_, err := validatorAt(day(2026, time.January, 1)).Validate(t.Context(), r.validation(r.signed(t), nil))
	wantProblem(t, err, badStatement, false, `unsupported attestation object format "packed"`)
}

// TestPublishedYubiKey: what YubiKeys of three generations say of their slots leads
// to Yubico's roots. The keys, as far as we know, have signed nothing of ours.
func TestPublishedYubiKey(t *testing.T) {
	t.Parallel()
	v := validatorAt(day(2026, time.January, 1))
	for name, want := range map[string]string{
		"4.3.5":    "5970478", // whose F9 does not say that it is a CA
		"5.4.3-9a": "28557046",
		"5.4.3-9c": "28557046",
		"5.7.4":    "32718477", // with intermediates that it does not hold
	} {
		chain := publishedChain(t, "yubikey/"+name+".pem")
		if serial, err := stepSerial(chain[0]); serial != want || err != nil {
			t.Errorf("%s: serial number %q, error %v", name, serial, err)
		}
		check := func(x5c []any, text string) {
			t.Helper()
			req := validation(acme.DeviceAttest01, ca.Identifier{Type: ca.PermanentIdentifier, Value: want})
			req.Payload = answer(t, FormatStep, map[string]any{"x5c": x5c, "sig": encodeCBOR(t, []byte("signature")), "alg": -7})
			req.AcceptsFormat = func(string) bool { return true }
			_, err := v.Validate(t.Context(), req)
			wantProblem(t, err, badStatement, false, text)
		}
		check(chainOf(chain), "failed to validate signature") // which is looked at after the chain
		check(chainOf(chain[:1]), "x5c is not valid")
	}
}

// TestYubiKeySlotIsNoCA: a key in a slot cannot attest others, although nothing in
// its certificate tells it from the one in slot F9 of a YubiKey 4.
func TestYubiKeySlotIsNoCA(t *testing.T) {
	t.Parallel()
	v, slot, key := newVendor(t), ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	below := &vendor{t: t, key: slot, root: v.leaf(slot.Public())}
	forged := below.leaf(key.Public(), extension(t, oidYubicoSerialNumber, 123456))
	sig := encodeCBOR(t, signature(t, key, crypto.SHA256))
	v.attest("123456", FormatStep, map[string]any{"x5c": []any{forged.Raw, below.root.Raw}, "sig": sig}, nil, badStatement, "x5c is not valid")
	old := publishedChain(t, "yubikey/4.3.5.pem")
	handleF9([]*x509.Certificate{forged, old[0]})
	handleF9([]*x509.Certificate{forged, old[0], old[1]})
	if old[0].IsCA || old[1].IsCA {
		t.Error("a certificate of a slot is taken for one of a CA, or a chain is too long")
	}
}

// TestPublishedAndroidStatus: the keys that Google has revoked are found, be they
// listed in decimal, as the first ones were, or in hexadecimal.
func TestPublishedAndroidStatus(t *testing.T) {
	t.Parallel()
	status, err := AndroidStatusFile(filepath.Join("testdata", "published", "android", "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	v := New(Config{AndroidStatus: status})
	for _, revoked := range []struct {
		serial string
		base   int
	}{
		{"6681152659205225093", 10}, {"8350192447815228107", 10}, {"9408173275444922801", 10}, {"11244410301401252959", 10},
		{"5cb838f1fe157a85", 16}, {"cc66e9a93713b6e643b26c15879786f7", 16},
	} {
		serial, ok := new(big.Int).SetString(revoked.serial, revoked.base)
		if !ok {
			t.Fatal(revoked.serial)
		}
		chain := append(publishedChain(t, "android/factory-2019.pem"), &x509.Certificate{SerialNumber: serial})
		problem := v.notRevoked(t.Context(), new(acme.Validation), chain)
		wantProblem(t, orNil(problem), badStatement, false, "revoked certificate")
	}
	for _, name := range []string{"factory-2019", "remote-2023", "grapheneos-2026"} {
		if problem := v.notRevoked(t.Context(), new(acme.Validation), publishedChain(t, "android/"+name+".pem")); problem != nil {
			t.Errorf("%s: %v", name, problem)
		}
	}
}

// TestAndroidStatusFile: a file without a list is no list.
func TestAndroidStatusFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ contents, want string }{
		"empty":   {"", "parsing the list"},
		"other":   {`{"keys":{}}`, "it has no entries"},
		"huge":    {strings.Repeat(" ", maxAndroidStatus+1), "more than"},
		"missing": {"", "no such file"},
	} {
		file := filepath.Join(dir, name)
		if name != "missing" {
			if err := os.WriteFile(file, []byte(tt.contents), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := AndroidStatusFile(file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
