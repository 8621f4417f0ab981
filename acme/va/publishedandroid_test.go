package va

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// tagRootOfTrust is of the member that says how the device was started.
const tagRootOfTrust = 704

// A rootOfTrust is that member.
type rootOfTrust struct {
	VerifiedBootKey   []byte
	DeviceLocked      bool
	VerifiedBootState asn1.Enumerated // 0 verified, 1 self-signed, 2 unverified, 3 failed
	VerifiedBootHash  []byte          `asn1:"optional"`
}

// A device is a real Android device whose chain was published.
type device struct {
	name       string
	chain      []*x509.Certificate
	now        time.Time // when the chain was good
	over       time.Time // when it was no longer
	version    int       // of the attestation
	challenge  string    // base64; "" for the digest of a registration's clientDataJSON
	locked     bool
	verified   asn1.Enumerated
	algorithm  x509.PublicKeyAlgorithm
	registered *registration // nil if there is no signature of the key
}

func devices(t testing.TB) []device {
	t.Helper()
	pixel2025, pixel2026 := loadRegistration(t, "pixel-2025"), loadRegistration(t, "pixel-2026")
	return []device{
		{
			// Its root is one that is over since May 2026; a newer certificate of that root is built in.
			name: "keys of the factory", chain: publishedChain(t, "android/factory-2019.pem"),
			now: day(2026, time.November, 1), over: day(2029, time.July, 1),
			version: 3, challenge: "o2qUEyZHGF3WOWtYOQaqMabpKilcI+k7xXxdgHrCx44=", locked: false, verified: 2, algorithm: x509.ECDSA,
		},
		{
			name: "keys provisioned remotely", chain: publishedChain(t, "android/remote-2023.pem"),
			now: day(2023, time.March, 1), over: day(2023, time.April, 1),
			version: 200, challenge: "Y2hhbGxlbmdl", locked: true, verified: 0, algorithm: x509.ECDSA,
		},
		{
			// Its key certificate begins with the clock of the device: a minute after now.
			name: "GrapheneOS, an RSA key", chain: publishedChain(t, "android/grapheneos-2026.pem"),
			now: time.Date(2026, time.March, 23, 9, 4, 0, 0, time.UTC), over: day(2026, time.April, 1),
			version: 400, challenge: "erlGxbI+3t23T2O9V7+Pvfmz3I2TRMMTIBrLxDI3M+4=", locked: true, verified: 1, algorithm: x509.RSA,
		},
		{
			name: "KeyMint 3", chain: pixel2025.chain(t), registered: pixel2025,
			now: day(2025, time.January, 20), over: day(2025, time.March, 1),
			version: 300, locked: true, verified: 0, algorithm: x509.ECDSA,
		},
		{
			name: "KeyMint 4, Google's root of 2025", chain: pixel2026.chain(t), registered: pixel2026,
			now: day(2026, time.April, 26), over: day(2026, time.May, 8),
			version: 400, locked: true, verified: 0, algorithm: x509.ECDSA,
		},
	}
}

// TestPublishedAndroid: the chains of real devices lead to Google's roots, and what
// they say of the key is understood.
func TestPublishedAndroid(t *testing.T) {
	t.Parallel()
	for _, d := range devices(t) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if problem := validatorAt(d.now).verifyAndroidChain(d.chain, googleRoots()); problem != nil {
				t.Fatal(problem)
			}
			wantProblem(t, orNil(validatorAt(d.over).verifyAndroidChain(d.chain, googleRoots())), badStatement, false, "has expired or is not yet valid")
			crt, description, problem := describedKey(d.chain)
			if problem != nil {
				t.Fatal(problem)
			}
			if crt.PublicKeyAlgorithm != d.algorithm {
				t.Errorf("the key is for %v", crt.PublicKeyAlgorithm)
			}
			if description.AttestationVersion != d.version || description.AttestationSecurityLevel != trustedEnvironment || description.KeyMintSecurityLevel != trustedEnvironment {
				t.Errorf("version %d, security levels %d and %d", description.AttestationVersion, description.AttestationSecurityLevel, description.KeyMintSecurityLevel)
			}
			if got := base64.StdEncoding.EncodeToString(description.AttestationChallenge); d.registered == nil && got != d.challenge {
				t.Errorf("challenge %s, want %s", got, d.challenge)
			}
			if serial, problem := description.device(); serial != "" || problem != nil {
				t.Errorf("serial number %q, problem %v", serial, problem)
			}
			der, err := member(description.HardwareEnforced, tagRootOfTrust)
			var boot rootOfTrust
			if err != nil || !unmarshalAll(der, &boot) || boot.DeviceLocked != d.locked || boot.VerifiedBootState != d.verified || len(boot.VerifiedBootKey) != 32 {
				t.Errorf("root of trust %+v, error %v", boot, err)
			}
		})
	}
}

// TestPublishedAndroidSignature: the signatures of real keys are believed, but not
// in place of a challenge of ours, nor is the challenge believed without one.
func TestPublishedAndroidSignature(t *testing.T) {
	t.Parallel()
	for _, d := range devices(t) {
		v, text := validatorAt(d.now), "failed to validate signature"
		var req *acme.Validation
		if d.registered != nil {
			signed := d.registered.signed(t)
			req = d.registered.validation(signed, nil)
			_, err := v.Validate(t.Context(), req)
			wantProblem(t, err, badStatement, false, "challenge mismatch")
			req.KeyAuthorization = string(signed[len(signed)-32:]) // which is the attestation's challenge
		} else {
			challenge, err := base64.StdEncoding.DecodeString(d.challenge)
			if err != nil {
				t.Fatal(err)
			}
			req = validation(acme.DeviceAttest01, ca.Identifier{Type: ca.PermanentIdentifier, Value: "device"})
			req.AcceptsFormat, req.KeyAuthorization = func(string) bool { return true }, string(challenge)
			req.Payload = answer(t, FormatAndroidKey, map[string]any{"x5c": chainOf(d.chain), "sig": []byte("signature")})
		}
		_, err := v.Validate(t.Context(), req)
		wantProblem(t, err, badStatement, false, text)
	}
}

// TestPublishedAndroidExtended: certificates below that of an attested key are
// refused, those that the keystore made as well as one that an app made up.
func TestPublishedAndroidExtended(t *testing.T) {
	t.Parallel()
	v := validatorAt(day(2023, time.March, 9))
	for _, name := range []string{"attest-key-2023", "forged-2023"} {
		chain := publishedChain(t, "android/"+name+".pem")
		wantProblem(t, orNil(v.verifyAndroidChain(chain, googleRoots())), badStatement, false, "x5c is not valid")
		_, _, problem := describedKey(chain)
		wantProblem(t, orNil(problem), badStatement, false, "is an attested key itself and cannot attest others")
	}
}

// TestPublishedAndroidW3C: the vector of WebAuthn Level 3 §16.14 has a chain without
// its root, and describes a key in software.
func TestPublishedAndroidW3C(t *testing.T) {
	t.Parallel()
	r, roots := loadRegistration(t, "w3c-android-key"), publishedChain(t, "webauthn/w3c-root.pem")
	v := validatorAt(day(2026, time.January, 1))
	_, err := v.Validate(t.Context(), r.validation(r.signed(t), roots))
	wantProblem(t, err, badStatement, false, "missing root certificate")
	chain := append(r.chain(t), roots...)
	if problem := v.verifyAndroidChain(chain, roots); problem != nil {
		t.Error(problem)
	}
	var s struct {
		Signature []byte `cbor:"sig"`
	}
	r.decode(t, "attStmt", &s)
	if problem := checkSignature(chain[0].PublicKey, r.signed(t), s.Signature); problem != nil {
		t.Error(problem)
	}
	_, description, problem := describedKey(chain)
	if problem != nil {
		t.Fatal(problem)
	}
	if want := digest(crypto.SHA256, unbase64(t, r.ClientDataJSON)); !bytes.Equal(description.AttestationChallenge, want) {
		t.Errorf("challenge %x, want %x", description.AttestationChallenge, want)
	}
	_, problem = description.device()
	wantProblem(t, orNil(problem), badStatement, false, "made by software")
}

// FuzzKeyDescription: no description panics, and none of software is of hardware.
func FuzzKeyDescription(f *testing.F) {
	for _, d := range devices(f) {
		for _, ext := range d.chain[0].Extensions {
			if ext.Id.Equal(oidAndroidAttestation) {
				f.Add(ext.Value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		description, err := parseKeyDescription(der)
		if err != nil {
			return
		}
		if _, problem := description.device(); problem == nil && (description.AttestationSecurityLevel == 0 || description.KeyMintSecurityLevel == 0) {
			t.Error("a key in software was believed to be in hardware")
		}
	})
}
