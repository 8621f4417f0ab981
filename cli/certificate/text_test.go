package certificate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// FuzzInspect writes whatever can be parsed in every form: it must not panic,
// and the text must not steer a terminal.
func FuzzInspect(f *testing.F) {
	script, err := txtar.ParseFile("testdata/script/inspect.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range script.Files {
		if block, _ := pem.Decode(file.Data); block != nil {
			f.Add(block.Bytes)
		}
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "r", Organization: []string{"o"}},
		DNSNames: []string{"r.example"}, EmailAddresses: []string{"a@b.example"}, IPAddresses: []net.IP{net.IPv6loopback},
	}, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Fuzz(func(t *testing.T, der []byte) {
		var in contents
		if cert, err := x509.ParseCertificate(der); err == nil {
			in.certs = []*x509.Certificate{cert}
		} else if in.request, err = x509.ParseCertificateRequest(der); err != nil {
			return
		}
		for _, write := range []func(*contents) ([]byte, error){text, shortText} {
			out, err := write(&in)
			if err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(string(out), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
				t.Errorf("the text has a control character at %d: %q", i, out)
			}
		}
		if _, err := asJSON(&in); err != nil && in.request != nil {
			t.Error(err) // zcrypto may refuse certificates that crypto/x509 takes
		}
	})
}
