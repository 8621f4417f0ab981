package issue

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzSSHSignedPart compares our encoding of certificates with that of
// golang.org/x/crypto/ssh.
func FuzzSSHSignedPart(f *testing.F) {
	keys := wireKeys(f)
	f.Add(byte(0), []byte("nonce"), uint64(1), uint32(ssh.UserCert), "ann", "ann,ann@example.com", "force-command=/bin/true", "permit-pty=,permit-user-rc=", "")
	f.Add(byte(3), []byte{}, uint64(1)<<63, uint32(ssh.HostCert), "", "", "", "", "reserved")
	f.Add(byte(5), []byte(nil), uint64(0), uint32(9), "\xff\x00", ",,", "b=2,a=1,a", "=", "\x00")
	f.Fuzz(func(t *testing.T, n byte, nonce []byte, number uint64, typ uint32, id, principals, options, extensions, reserved string) {
		crt := &ssh.Certificate{
			Nonce: nonce, Key: keys[int(n)%len(keys)], Serial: number, CertType: typ, KeyId: id,
			ValidPrincipals: strings.Split(principals, ","), ValidAfter: number / 2, ValidBefore: number,
			Permissions:  ssh.Permissions{CriticalOptions: wireOptions(options), Extensions: wireOptions(extensions)},
			Reserved:     []byte(reserved),
			SignatureKey: keys[int(n/8)%len(keys)],
		}
		want := crt.Marshal()
		want = want[:len(want)-4] // the length of a signature that is not there
		if got := sshSignedPart(crt, crt.Key.Marshal(), crt.SignatureKey.Marshal()); !bytes.Equal(got, want) {
			t.Errorf("sshSignedPart(%+v) = %x, want %x", crt, got, want)
		}
		signature := &ssh.Signature{Format: id, Blob: nonce, Rest: []byte(reserved)}
		if got, want := sshSignature(signature), ssh.Marshal(signature); !bytes.Equal(got, want) {
			t.Errorf("sshSignature(%+v) = %x, want %x", signature, got, want)
		}
	})
}

// wireKeys returns a public key of each type.
func wireKeys(f *testing.F) []ssh.PublicKey {
	f.Helper()
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	public := []any{ed, rsaKey.Public()}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			f.Fatal(err)
		}
		public = append(public, key.Public())
	}
	var keys []ssh.PublicKey
	for _, pub := range public {
		key, err := ssh.NewPublicKey(pub)
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, key)
	}
	token, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, ed, "ssh:"}))
	if err != nil {
		f.Fatal(err)
	}
	return append(keys, token)
}

// wireOptions reads "name=value,name=value".
func wireOptions(s string) map[string]string {
	options := make(map[string]string)
	for option := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(option, "=")
		options[name] = value
	}
	return options
}
