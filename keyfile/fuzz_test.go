package keyfile

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"strings"
	"testing"
)

// FuzzParseObject claims that nothing panics, that what parses as a signer is
// the same after writing and reading, and that errors do not quote the file.
func FuzzParseObject(f *testing.F) {
	for _, spec := range []KeySpec{{}, {Type: OKP}} {
		key, err := Generate(spec)
		if err != nil {
			f.Fatal(err)
		}
		for _, format := range []Format{Traditional, PKCS8, OpenSSH} {
			text, err := EncodePrivateKey(key, format, nil)
			if err != nil {
				f.Fatal(err)
			}
			block, _ := pem.Decode(text)
			f.Add(text)
			f.Add(block.Bytes)
		}
		public, err := EncodePublicKey(key.Public())
		if err != nil {
			f.Fatal(err)
		}
		line, err := EncodeAuthorizedKey(key.Public(), "x")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(public)
		f.Add(line)
	}
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN A\n-----BEGIN B-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pw := FixedPassword([]byte("x"))
		object, _ := ParseObject("f", data, pw)
		ParseCertificates("f", data)
		ParseCertificateRequest("f", data)
		ParseSigner("f", data, pw)
		signer, ok := object.(crypto.Signer)
		if !ok {
			return
		}
		text, err := EncodePrivateKey(signer, PKCS8, nil)
		if err != nil {
			t.Fatalf("a key that was read cannot be written: %v", err)
		}
		again, err := ParseSigner("f", text, Password{})
		if err != nil {
			t.Fatalf("a key that was written cannot be read: %v", err)
		}
		samePublic(t, again.Public(), signer.Public())
	})
}

// FuzzEncryptedKey claims bounded work and no panic for what encrypted keys say
// of their encryption.
func FuzzEncryptedKey(f *testing.F) {
	key, err := Generate(KeySpec{})
	if err != nil {
		f.Fatal(err)
	}
	text, err := EncodePrivateKey(key, PKCS8, []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(text)
	// Fewer rounds, so that the fuzzer gets anywhere: INTEGER 600000 → 1000000-odd is no help.
	f.Add(bytes.Replace(block.Bytes, []byte{0x02, 0x03, 0x09, 0x27, 0xC0}, []byte{0x02, 0x03, 0x00, 0x80, 0x01}, 1))
	f.Fuzz(func(t *testing.T, der []byte) {
		if bytes.Contains(der, []byte{0x02, 0x03}) && !bytes.Contains(der, []byte{0x02, 0x03, 0x00}) {
			t.Skip("many rounds, within the bound")
		}
		if _, err := decryptPKCS8(der, []byte("x")); err != nil && strings.Contains(err.Error(), "panic") {
			t.Error(err)
		}
	})
}
