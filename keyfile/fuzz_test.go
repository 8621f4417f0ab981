package keyfile

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"testing"
)

// FuzzParseObject claims that nothing panics, and that what parses as a
// signer is the same after writing and reading.
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

// FuzzEncryptedKey claims that nothing panics whatever an encrypted key says of
// its encryption, and that what opens is a key that can be written.
func FuzzEncryptedKey(f *testing.F) {
	key, err := Generate(KeySpec{})
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := encryptPKCS8(der, []byte("x"), 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(withScrypt(f, scryptParams{Salt: []byte("salt"), N: 2, R: 1, P: 1}))
	f.Add(withScrypt(f, scryptParams{Salt: []byte("salt"), N: 1 << 40, R: 1 << 30, P: 1 << 30}))
	f.Add(withScrypt(f, scryptParams{N: -2, R: -1, P: -1}))
	f.Fuzz(func(t *testing.T, der []byte) {
		if work(der) > 10_000 {
			t.Skip("allowed, but the fuzzer has no time for it")
		}
		key, err := decryptPKCS8(der, []byte("x"))
		if err != nil {
			return
		}
		if _, err := EncodePrivateKey(key, PKCS8, nil); err != nil {
			t.Errorf("a key that was read cannot be written: %v", err)
		}
	})
}

// withScrypt returns an encrypted key with these parameters and no contents.
func withScrypt(f *testing.F, params scryptParams) []byte {
	f.Helper()
	kdf, err := algorithm(oidScrypt, params)
	if err != nil {
		f.Fatal(err)
	}
	enc, err := algorithm(oidAES256CBC, make([]byte, 16))
	if err != nil {
		f.Fatal(err)
	}
	scheme, err := algorithm(oidPBES2, pbes2Params{KeyDerivation: kdf, Encryption: enc})
	if err != nil {
		f.Fatal(err)
	}
	der, err := asn1.Marshal(encryptedPrivateKeyInfo{Algorithm: scheme, EncryptedData: make([]byte, 16)})
	if err != nil {
		f.Fatal(err)
	}
	return der
}

// work estimates what opening a key costs, in rounds; 0 if it will be refused.
func work(der []byte) int {
	var info encryptedPrivateKeyInfo
	var params pbes2Params
	if unmarshal(der, &info) != nil || unmarshal(info.Algorithm.Parameters.FullBytes, &params) != nil {
		return 0
	}
	kdf := params.KeyDerivation.Parameters.FullBytes
	var p pbkdf2Params
	if unmarshal(kdf, &p) == nil && p.Iterations <= maxIterations {
		return p.Iterations
	}
	var s scryptParams
	if unmarshal(kdf, &s) == nil && s.R > 0 && s.N <= maxScryptMemory/128/s.R && s.P <= maxScryptP {
		return s.N * s.R * max(s.P, 1)
	}
	return 0
}
