package keyfile

import (
	"bytes"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// kinds are the keys that every format is tested with.
var kinds = map[string]KeySpec{
	"P-256":    {},
	"P-384":    {Type: EC, Curve: P384},
	"P-521":    {Type: EC, Curve: P521},
	"RSA 2048": {Type: RSA},
	"Ed25519":  {Type: OKP},
}

// rsaKey is made once, because that takes a while.
var rsaKey = sync.OnceValues(func() (crypto.Signer, error) { return Generate(KeySpec{Type: RSA}) })

func generate(t *testing.T, spec KeySpec) crypto.Signer {
	t.Helper()
	if spec == (KeySpec{Type: RSA}) {
		key, err := rsaKey()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	key, err := Generate(spec)
	if err != nil {
		t.Fatalf("Generate(%+v): %v", spec, err)
	}
	return key
}

func samePublic(t *testing.T, got, want crypto.PublicKey) {
	t.Helper()
	if !want.(interface{ Equal(crypto.PublicKey) bool }).Equal(got) {
		t.Errorf("public key %v, want %v", got, want)
	}
}

// What we write, OpenSSL reads, and finds the same public key in it.
func TestOpenSSLReadsOurs(t *testing.T) {
	t.Parallel()
	for kind, spec := range kinds {
		key := generate(t, spec)
		want, err := EncodePublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{Traditional, PKCS8} {
			passwords := [][]byte{nil, []byte("ünlocked")}
			if kind == "P-256" {
				passwords = append(passwords, []byte{})
			} else if format == PKCS8 {
				passwords = passwords[:1] // with a password, both formats are the same
			}
			for _, password := range passwords {
				text, err := EncodePrivateKey(key, format, password)
				if err != nil {
					t.Fatal(err)
				}
				if label := "-----BEGIN ENCRYPTED PRIVATE KEY-----"; (password != nil) != strings.HasPrefix(string(text), label) {
					t.Errorf("%s in format %d with password %q starts %.40q", kind, format, password, text)
				}
				got := run(t, text, "openssl", "pkey", "-pubout", "-passin", "pass:"+string(password))
				if !bytes.Equal(got, want) {
					t.Errorf("%s in format %d with password %q: OpenSSL finds public key\n%s, want\n%s", kind, format, password, got, want)
				}
			}
		}
	}
}

// What OpenSSL writes, in every encryption it has for keys, we read.
func TestReadsOpenSSL(t *testing.T) {
	t.Parallel()
	key := generate(t, KeySpec{})
	rsa := generate(t, KeySpec{Type: RSA})
	pkcs8 := func(options ...string) []string {
		return append([]string{"pkcs8", "-topk8", "-passout", "pass:secret"}, options...)
	}
	tests := map[string]struct {
		key  crypto.Signer
		args []string
	}{
		"PBES2 default":                  {key, pkcs8()},
		"PBES2 AES-128":                  {key, pkcs8("-v2", "aes-128-cbc")},
		"PBES2 AES-192 HMAC-SHA-1":       {key, pkcs8("-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1")},
		"PBES2 AES-256 HMAC-SHA-512":     {key, pkcs8("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512")},
		"PBES2 AES-256 HMAC-SHA-384":     {key, pkcs8("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA384")},
		"PBES2 AES-256 HMAC-SHA-224":     {key, pkcs8("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA224")},
		"PBES2 3DES":                     {key, pkcs8("-v2", "des3")},
		"PBES2 scrypt":                   {key, pkcs8("-scrypt")},
		"PBES2 scrypt AES-128":           {key, pkcs8("-scrypt", "-v2", "aes-128-cbc")},
		"PBES2 RSA DER":                  {rsa, pkcs8("-outform", "DER")},
		"PBES2 many iterations":          {key, pkcs8("-iter", "100000")},
		"SEC 1 with AES-256 headers":     {key, []string{"ec", "-aes256", "-passout", "pass:secret"}},
		"SEC 1 with AES-128 headers":     {key, []string{"ec", "-aes128", "-passout", "pass:secret"}},
		"SEC 1 with 3DES headers":        {key, []string{"ec", "-des3", "-passout", "pass:secret"}},
		"PKCS #1 with AES-192 headers":   {rsa, []string{"rsa", "-traditional", "-aes192", "-passout", "pass:secret"}},
		"PKCS #1 in DER":                 {rsa, []string{"rsa", "-traditional", "-outform", "DER"}},
		"SEC 1 in DER":                   {key, []string{"ec", "-outform", "DER"}},
		"PKCS #8 in DER":                 {key, []string{"pkcs8", "-topk8", "-nocrypt", "-outform", "DER"}},
		"PKCS #8 with a dump beside it":  {key, []string{"pkey", "-text"}},
		"PKCS #8 with the parameters":    {key, []string{"ec", "-param_enc", "named_curve"}},
		"PKCS #8 of RSA with dump":       {rsa, []string{"pkey", "-text"}},
		"PKCS #8 of RSA without a trace": {rsa, []string{"pkey"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, err := EncodePrivateKey(test.key, PKCS8, nil)
			if err != nil {
				t.Fatal(err)
			}
			data := run(t, plain, "openssl", test.args...)
			got, err := ParseSigner("x.key", data, FixedPassword([]byte("secret")))
			if err != nil {
				t.Fatal(err)
			}
			samePublic(t, got.Public(), test.key.Public())

			if !strings.Contains(strings.Join(test.args, " "), "-passout") {
				return
			}
			_, err = ParseSigner("x.key", data, FixedPassword([]byte("wrong")))
			if !errors.Is(err, ErrPassword) || err.Error() != "error decrypting x.key: x509: decryption password incorrect" {
				t.Errorf("with a wrong password: %v", err)
			}
			if _, err = ParseSigner("x.key", data, Password{}); !errors.Is(err, ErrPasswordNeeded) {
				t.Errorf("without a password: %v", err)
			}
		})
	}
}

func TestReadsECParametersBesideKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	run(t, nil, "openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", file)
	if _, err := LoadSigner(file, Password{}); err != nil {
		t.Error(err)
	}
	if _, err := LoadPublicKey(file, Password{}); err != nil {
		t.Error(err)
	}
}

// X25519 keys are read, but they do not sign.
func TestX25519(t *testing.T) {
	t.Parallel()
	text := run(t, nil, "openssl", "genpkey", "-algorithm", "X25519")
	if _, err := ParsePrivateKey("x", text, Password{}); err != nil {
		t.Error(err)
	}
	if _, err := ParseSigner("x", text, Password{}); err == nil || !strings.Contains(err.Error(), "cannot sign") {
		t.Errorf("ParseSigner of an X25519 key: %v", err)
	}
}

func TestOpenSSLRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, csr := filepath.Join(dir, "key"), filepath.Join(dir, "csr")
	run(t, nil, "openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=a", "-out", csr)
	text, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	der := run(t, text, "openssl", "req", "-outform", "DER")
	for name, data := range map[string][]byte{
		"PEM":        text,
		"old label":  bytes.ReplaceAll(text, []byte("CERTIFICATE REQUEST"), []byte("NEW CERTIFICATE REQUEST")),
		"with text":  append([]byte("a request\n"), text...),
		"DER":        der,
		"UTF-8 mark": append([]byte("\xEF\xBB\xBF"), text...),
	} {
		got, err := ParseCertificateRequest("csr", data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Subject.CommonName != "a" {
			t.Errorf("%s: common name %q", name, got.Subject.CommonName)
		}
	}
}
