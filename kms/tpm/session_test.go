package tpm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"stepca/internal/tpmtest"
	"stepca/keyfile"
	"stepca/kms"
)

func openEngine(t *testing.T, device, dir, attributes string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), kms.Config{URI: "tpmkms:device=" + device + attributes, StorageDirectory: dir})
	if err != nil {
		t.Fatal(err)
	}
	return e.(*Engine)
}

// do runs commands in a TPM.
func do(t *testing.T, e *Engine, operation func(*session) error) {
	t.Helper()
	if err := e.use(t.Context(), operation); err != nil {
		t.Fatal(err)
	}
}

// signs checks that a key of a file signs.
func signs(t *testing.T, e *Engine, uri string) {
	t.Helper()
	signer, err := e.Signer(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 32)
	sig, err := signer.SignContext(t.Context(), digest, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), digest, sig) {
		t.Error("the signature does not verify")
	}
}

// TestStorageRootKey has a machine that is provisioned after it made a key.
func TestStorageRootKey(t *testing.T) {
	t.Parallel()
	e := openEngine(t, tpmtest.New(t, false), t.TempDir(), "")
	create := func(name string) *record {
		t.Helper()
		r, err := e.create(t.Context(), keyName{role: signing, name: name}, keyfile.KeySpec{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := create("before")
	do(t, e, func(s *session) error {
		made, err := tpm2.CreatePrimary{
			PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()}, InPublic: tpm2.New2B(tpm2.RSASRKTemplate),
		}.Execute(s)
		if err != nil {
			return err
		}
		_, err = tpm2.EvictControl{
			Auth:             tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()},
			ObjectHandle:     &tpm2.NamedHandle{Handle: s.loaded(made.ObjectHandle), Name: made.Name},
			PersistentHandle: storageRootKey,
		}.Execute(s)
		return err
	})
	after := create("after")
	if string(before.Parent) == string(after.Parent) {
		t.Error("the key of a provisioned machine is not below its storage root key")
	}
	signs(t, e, "tpmkms:before")
	signs(t, e, "tpmkms:after")
}

// TestOwnerPassword has a TPM whose owner hierarchy somebody has closed.
func TestOwnerPassword(t *testing.T) {
	t.Parallel()
	e := openEngine(t, tpmtest.New(t, false), t.TempDir(), "")
	do(t, e, func(s *session) error {
		_, err := tpm2.HierarchyChangeAuth{
			AuthHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()}, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("secret")},
		}.Execute(s)
		return err
	})
	_, err := e.CreateKey(t.Context(), "tpmkms:web", keyfile.KeySpec{})
	if err == nil || !strings.Contains(err.Error(), "the owner hierarchy of the TPM has a password") {
		t.Errorf("CreateKey: %v", err)
	}
	if keys, err := e.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("Keys = %v, %v, want none", keys, err)
	}
}

// TestEndorsementKeyECC enrolls with an endorsement key on P-256, which is the only
// one of this TPM that has a certificate, with padding behind it.
func TestEndorsementKeyECC(t *testing.T) {
	t.Parallel()
	ca := tpmtest.NewAttestationCA(t)
	e := openEngine(t, tpmtest.New(t, false), t.TempDir(), ";attestation-ca-url="+ca.URL+";attestation-ca-root="+ca.TLSRoot)
	var der []byte
	do(t, e, func(s *session) error {
		made, err := tpm2.CreatePrimary{
			PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: noAuth()}, InPublic: tpm2.New2B(tpm2.ECCEKTemplate),
		}.Execute(s)
		if err != nil {
			return err
		}
		s.loaded(made.ObjectHandle)
		area, err := made.OutPublic.Contents()
		if err != nil {
			return err
		}
		public, err := tpm2.Pub(*area)
		if err != nil {
			return err
		}
		_, maker := testRecord(t)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{strings.Repeat("x", 900)}}
		if der, err = x509.CreateCertificate(rand.Reader, template, template, public, maker); err != nil {
			return err
		}
		return s.define(ekCertificateECC, append(der, 0xff, 0xff, 0xff))
	})
	if _, err := e.create(t.Context(), keyName{role: signing, name: "web"}, keyfile.KeySpec{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Attest(t.Context(), "tpmkms:web", nil); err != nil {
		t.Fatal(err)
	}
	do(t, e, func(s *session) error {
		ek, err := s.endorsementKey()
		if err == nil && string(ek.crt) != string(der) {
			t.Error("the certificate is not the one that was stored")
		}
		return err
	})
}

// define stores bytes in the TPM's memory, in pieces.
func (s *session) define(index tpm2.TPMHandle, data []byte) error {
	owner := tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()}
	public := tpm2.New2B(tpm2.TPMSNVPublic{
		NVIndex: index, NameAlg: tpm2.TPMAlgSHA256, DataSize: uint16(len(data)),
		Attributes: tpm2.TPMANV{OwnerWrite: true, OwnerRead: true, AuthRead: true, NoDA: true},
	})
	if _, err := (tpm2.NVDefineSpace{AuthHandle: owner, PublicInfo: public}).Execute(s); err != nil {
		return err
	}
	for offset := 0; offset < len(data); {
		defined, err := tpm2.NVReadPublic{NVIndex: index}.Execute(s)
		if err != nil {
			return err
		}
		piece := data[offset:min(offset+512, len(data))]
		_, err = tpm2.NVWrite{
			AuthHandle: owner, NVIndex: tpm2.NamedHandle{Handle: index, Name: defined.NVName},
			Data: tpm2.TPM2BMaxNVBuffer{Buffer: piece}, Offset: uint16(offset),
		}.Execute(s)
		if err != nil {
			return err
		}
		offset += len(piece)
	}
	return nil
}

// TestTCP uses a TPM behind TCP.
func TestTCP(t *testing.T) {
	t.Parallel()
	path, _ := strings.CutPrefix(tpmtest.New(t, false), "unix:")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			tpm, err := net.Dial("unix", path)
			if err != nil {
				client.Close()
				continue
			}
			go io.Copy(tpm, client)
			go func() {
				io.Copy(client, tpm)
				client.Close()
				tpm.Close()
			}()
		}
	}()
	e := openEngine(t, "tcp:"+listener.Addr().String(), t.TempDir(), "")
	if _, err := e.CreateKey(t.Context(), "tpmkms:web", keyfile.KeySpec{}); err != nil {
		t.Fatal(err)
	}
	signs(t, e, "tpmkms:web")
}

// TestSignRefused asks for signatures that a TPM does not make.
func TestSignRefused(t *testing.T) {
	t.Parallel()
	e := openEngine(t, tpmtest.New(t, false), t.TempDir(), "")
	made, err := e.CreateKey(t.Context(), "tpmkms:rsa", keyfile.KeySpec{Type: keyfile.RSA})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := e.Signer(t.Context(), made.URI)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		digest int
		opts   crypto.SignerOpts
	}{
		"SHA-1":             {20, crypto.SHA1},
		"no hash":           {32, crypto.Hash(0)},
		"a salt of 5 bytes": {32, &rsa.PSSOptions{SaltLength: 5, Hash: crypto.SHA256}},
	} {
		if _, err := signer.Sign(nil, make([]byte, c.digest), c.opts); !errors.Is(err, kms.ErrUnsupported) {
			t.Errorf("Sign with %s: %v, want ErrUnsupported", name, err)
		}
	}
	if _, err := signer.Sign(nil, make([]byte, 31), crypto.SHA256); err == nil {
		t.Error("a digest of 31 bytes was signed")
	}
	for _, hash := range []crypto.Hash{crypto.SHA384, crypto.SHA512} {
		digest := make([]byte, hash.Size())
		sig, err := signer.Sign(nil, digest, hash)
		if err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(signer.Public().(*rsa.PublicKey), hash, digest, sig); err != nil {
			t.Errorf("with %s: %v", hash, err)
		}
	}
	for _, spec := range []keyfile.KeySpec{{Type: keyfile.RSA, Size: 2056}, {Type: keyfile.RSA, Size: 8192}} {
		if _, err := e.CreateKey(t.Context(), "tpmkms:other", spec); !errors.Is(err, kms.ErrUnsupported) {
			t.Errorf("CreateKey(%+v): %v, want ErrUnsupported", spec, err)
		}
	}
}

// TestEndorsementKeyKept uses the endorsement key that a provisioned machine keeps,
// which is the one that would be derived.
func TestEndorsementKeyKept(t *testing.T) {
	t.Parallel()
	e := openEngine(t, tpmtest.New(t, true), t.TempDir(), "")
	do(t, e, func(s *session) error {
		kept, err := s.endorsementKey()
		if err != nil {
			return err
		}
		if kept.handle != ekRSA {
			t.Errorf("the endorsement key is at %#x, want %#x", uint32(kept.handle), uint32(ekRSA))
		}
		crt, err := x509.ParseCertificate(kept.crt)
		if err != nil {
			return err
		}
		if !crt.PublicKey.(*rsa.PublicKey).Equal(kept.public) {
			t.Error("the certificate is for another key")
		}
		_, err = tpm2.EvictControl{
			Auth:             tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()},
			ObjectHandle:     &tpm2.NamedHandle{Handle: kept.handle, Name: kept.name},
			PersistentHandle: ekRSA,
		}.Execute(s)
		if err != nil {
			return err
		}
		derived, err := s.endorsementKey()
		if err == nil && !derived.public.(*rsa.PublicKey).Equal(kept.public) {
			t.Error("another endorsement key is derived than the one that was kept")
		}
		return err
	})
}
