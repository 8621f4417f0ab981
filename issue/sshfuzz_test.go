package issue_test

import (
	"crypto/rand"
	"maps"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/issue"
)

func FuzzCheckSSHPublicKey(f *testing.F) {
	f.Add(sshPublic(f, newKey(f).Public()).Marshal())
	f.Add(securityKey(f).Marshal())
	f.Add([]byte("\x00\x00\x00\x07ssh-rsa\x00\x00\x00\x01\x03\x00\x00\x00\x01\xff"))
	i, _, _, _ := newSSHIssuer(f, issue.Config{})
	f.Fuzz(func(t *testing.T, wire []byte) {
		key, err := ssh.ParsePublicKey(wire)
		if err != nil {
			return
		}
		good := issue.CheckSSHPublicKey(key) == nil
		grant := sshGrantFor(ca.SSHUser, "ann")
		grant.OneTime = nil
		certs, err := i.SSH(t.Context(), signRequest(key), issue.SSHExtras{}, authorizeSSH(grant))
		if good != (err == nil) {
			t.Fatalf("key of type %s: good is %v, signing says %v", key.Type(), good, err)
		}
		if err != nil {
			return
		}
		again, err := ssh.ParsePublicKey(certs.Certificate.Marshal())
		if err != nil || string(again.(*ssh.Certificate).Key.Marshal()) != string(key.Marshal()) {
			t.Fatalf("certificate for a key of type %s: %v", key.Type(), err)
		}
	})
}

// FuzzSSHRenewal renews certificates of every form: whatever comes out is no
// longer valid than what went in, or than the limits if that has no end.
func FuzzSSHRenewal(f *testing.F) {
	i, _, _, _ := newSSHIssuer(f, issue.Config{})
	for _, typ := range []ca.SSHCertType{ca.SSHUser, ca.SSHHost} {
		certs, err := i.SSH(f.Context(), signRequest(sshPublic(f, newKey(f).Public())), issue.SSHExtras{}, authorizeSSH(sshGrantFor(typ, string(typ))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(certs.Certificate.Marshal())
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		key, err := ssh.ParsePublicKey(wire)
		if err != nil {
			return
		}
		old, ok := key.(*ssh.Certificate)
		if !ok {
			return
		}
		grant := sshGrantFor(ca.SSHHost, "unused")
		grant.Operation, grant.OneTime, grant.SSH.Renew = ca.RenewSSH, nil, old
		certs, err := i.SSH(t.Context(), &ca.SSHRequest{Operation: ca.RenewSSH}, issue.SSHExtras{}, authorizeSSH(grant))
		if err != nil {
			return
		}
		crt := certs.Certificate
		longest := uint64((720*time.Hour + time.Minute) / time.Second)
		if length := crt.ValidBefore - crt.ValidAfter; crt.ValidBefore < crt.ValidAfter || length > longest && length > old.ValidBefore-old.ValidAfter {
			t.Errorf("valid from %d to %d after %d to %d", crt.ValidAfter, crt.ValidBefore, old.ValidAfter, old.ValidBefore)
		}
		if crt.CertType != old.CertType || crt.KeyId != old.KeyId || !slices.Equal(crt.ValidPrincipals, old.ValidPrincipals) || string(crt.Key.Marshal()) != string(old.Key.Marshal()) ||
			!maps.Equal(crt.CriticalOptions, old.CriticalOptions) || !maps.Equal(crt.Extensions, old.Extensions) {
			t.Errorf("%+v became %+v", old, crt)
		}
		if again, err := ssh.ParsePublicKey(certs.Wire); err != nil || string(again.Marshal()) != string(certs.Wire) {
			t.Errorf("the wire format %x is read as %v, %v", certs.Wire, again, err)
		}
	})
}

func BenchmarkSSH(b *testing.B) {
	i, _, _, _ := newSSHIssuer(b, issue.Config{})
	key := sshPublic(b, newKey(b).Public())
	grant := sshGrantFor(ca.SSHUser, "ann", "ann@example.com")
	grant.OneTime = nil
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.SSH(b.Context(), signRequest(key), issue.SSHExtras{}, authorizeSSH(grant)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSSHFloor is the signature that no issuance can do without.
func BenchmarkSSHFloor(b *testing.B) {
	signer, err := ssh.NewSignerFromSigner(newKey(b))
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 500)
	for b.Loop() {
		if _, err := signer.Sign(rand.Reader, data); err != nil {
			b.Fatal(err)
		}
	}
}
