package issue

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/kms"
)

// TestSSHSignatureOfEachKey has crypto/ssh verify certificates that keys of each
// type signed.
func TestSSHSignatureOfEachKey(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{ssh.KeyAlgoED25519: ed, ssh.KeyAlgoRSASHA256: rsaKey}
	for name, curve := range map[string]elliptic.Curve{
		ssh.KeyAlgoECDSA256: elliptic.P256(), ssh.KeyAlgoECDSA384: elliptic.P384(), ssh.KeyAlgoECDSA521: elliptic.P521(),
	} {
		if keys[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	subject, err := ssh.NewPublicKey(ed.Public())
	if err != nil {
		t.Fatal(err)
	}
	checker := &ssh.CertChecker{IsUserAuthority: func(ssh.PublicKey) bool { return true }}
	for name, key := range keys {
		k, err := newSSHKey(kms.Local(key))
		if err != nil {
			t.Fatal(err)
		}
		crt := &ssh.Certificate{Key: subject, CertType: ssh.UserCert, ValidPrincipals: []string{"ann"}, ValidBefore: ssh.CertTimeInfinity, Nonce: []byte("nonce")}
		wire, err := k.sign(t.Context(), crt, subject.Marshal())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parsed, err := ssh.ParsePublicKey(wire)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := parsed.(*ssh.Certificate)
		if err := checker.CheckCert("ann", got); err != nil || got.Signature.Format != name {
			t.Errorf("certificate signed by %s: algorithm %s, %v", name, got.Signature.Format, err)
		}
	}
}

// FuzzSSHECDSABlob compares our encoding of signatures with that of
// golang.org/x/crypto/ssh.
func FuzzSSHECDSABlob(f *testing.F) {
	f.Add([]byte{1}, []byte{0x7f})
	f.Add([]byte{0x80}, []byte{0xff, 0})
	f.Add(bytes.Repeat([]byte{0xff}, 66), bytes.Repeat([]byte{0x01}, 32))
	f.Fuzz(func(t *testing.T, r, s []byte) {
		n := struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)}
		if n.R.Sign() == 0 || n.S.Sign() == 0 {
			return // no key makes it
		}
		der, err := asn1.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sshECDSABlob(der)
		if want := ssh.Marshal(n); err != nil || !bytes.Equal(got, want) {
			t.Errorf("sshECDSABlob(%x) = %x, %v, want %x", der, got, err, want)
		}
	})
}

func TestSSHECDSABlobRefusesWhatIsNoSignature(t *testing.T) {
	t.Parallel()
	for name, der := range map[string][]byte{
		"nothing":           nil,
		"no sequence":       {0x02, 0x01, 0x01},
		"one number":        {0x30, 0x03, 0x02, 0x01, 0x01},
		"three numbers":     {0x30, 0x09, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01},
		"more behind it":    {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00},
		"a negative one":    {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x80},
		"a number too long": {0x30, 0x07, 0x02, 0x01, 0x01, 0x02, 0x02, 0x00, 0x01},
	} {
		if got, err := sshECDSABlob(der); err == nil {
			t.Errorf("%s: %x is a signature, %x", name, der, got)
		}
	}
}
