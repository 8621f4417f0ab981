package issue_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"testing"

	"stepca/issue"
)

// The identifier is that of the BIT STRING in the certificate, for keys of all
// kinds.
func TestSubjectKeyID(t *testing.T) {
	t.Parallel()
	keys := []crypto.Signer{newKey(t)}
	for _, curve := range []elliptic.Curve{elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range append(keys, rsaKey, edKey) {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		var spki struct {
			Algorithm asn1.RawValue
			PublicKey asn1.BitString
		}
		if _, err := asn1.Unmarshal(der, &spki); err != nil {
			t.Fatal(err)
		}
		got, err := issue.SubjectKeyID(key.Public())
		if want := fmt.Sprintf("%x", sha1.Sum(spki.PublicKey.Bytes)); err != nil || fmt.Sprintf("%x", got) != want {
			t.Errorf("%T: SubjectKeyID = %x, %v, want %s", key, got, err, want)
		}
	}
	if _, err := issue.SubjectKeyID("no key"); err == nil {
		t.Error("a string has a subject key identifier")
	}
}
