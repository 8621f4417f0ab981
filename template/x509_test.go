package template

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
)

func newSigner(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newCSR returns a parsed request with the given names.
func newCSR(t testing.TB, key crypto.Signer, template *x509.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// issue signs what a template rendered and parses the result.
func issue(t testing.TB, c *Certificate) *x509.Certificate {
	t.Helper()
	cert, err := c.X509()
	if err != nil {
		t.Fatal(err)
	}
	key := newSigner(t)
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: "Test CA"}, SubjectKeyId: []byte{1, 2, 3}, IsCA: true}
	if cert.SerialNumber == nil {
		cert.SerialNumber = big.NewInt(1)
	}
	cert.NotBefore, cert.NotAfter = time.Unix(1700000000, 0), time.Unix(1800000000, 0)
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func renderText(t testing.TB, text string, d *X509Data) *Certificate {
	t.Helper()
	tmpl, err := ParseX509(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tmpl.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultLeaf(t *testing.T) {
	t.Parallel()
	leaf, err := DefaultX509(ca.TemplateLeaf)
	if err != nil {
		t.Fatal(err)
	}
	csr := newCSR(t, newSigner(t), &x509.CertificateRequest{})
	c, err := leaf.Render(&X509Data{
		Subject: Name{CommonName: "w.example"},
		SANs:    NewSANs(ca.ParseSANs([]string{"w.example", "10.1.1.1", "joe@x.com", "https://h.example/p"})),
		CR:      NewCertificateRequest(csr),
	})
	if err != nil {
		t.Fatal(err)
	}
	cert := issue(t, c)
	if got, want := cert.Subject.String(), "CN=w.example"; got != want {
		t.Errorf("subject = %s, want %s", got, want)
	}
	if got, want := cert.KeyUsage, x509.KeyUsageDigitalSignature; got != want {
		t.Errorf("key usage = %b, want %b", got, want)
	}
	if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, cert.ExtKeyUsage); diff != "" {
		t.Error(diff)
	}
	names, err := GeneralNames(cert)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range names {
		got = append(got, name.Identifier().String())
	}
	want := []string{"dns:w.example", "email:joe@x.com", "ip:10.1.1.1", "uri:https://h.example/p"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cert.BasicConstraintsValid {
		t.Error("a leaf has basic constraints")
	}
}

// TestCompiledX509 proves the compiled built-in templates equal to their texts.
func TestCompiledX509(t *testing.T) {
	t.Parallel()
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	uri := &url.URL{Scheme: "https", Host: "h.example", Path: "/a b", RawQuery: "q=<1>&r"}
	requests := []*x509.CertificateRequest{
		{},
		{Subject: pkix.Name{CommonName: `a "quoted" <name> & Ünïcode`, Organization: []string{"O1", "O2"}, PostalCode: []string{"1"}}},
		{
			Subject: pkix.Name{CommonName: "x", SerialNumber: "7", ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: oidEmailAddress, Value: "joe@x.com"},
			}},
			DNSNames:       []string{"a.example", "*.b.example"},
			EmailAddresses: []string{"joe+tag@x.com"},
			IPAddresses:    []net.IP{net.IPv4(10, 0, 0, 1), net.ParseIP("2001:db8::1")},
			URIs:           []*url.URL{uri},
		},
	}
	subjects := []Name{
		{},
		{CommonName: "w.example"},
		{CommonName: "</script>", Country: Strings{"DE"}, Locality: Strings{"B", "C"}, StreetAddress: Strings{"\u2028"}},
	}
	names := [][]string{nil, {}, {"w.example"}, {"a", "10.0.0.1", "a@b", "urn:x:<&>", "a", `q"\`}}
	for _, name := range []string{ca.TemplateLeaf, ca.TemplateAdmin, ca.TemplateIID, ca.TemplateAttested, Intermediate, Root, Copy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl, err := DefaultX509(name)
			if err != nil {
				t.Fatal(err)
			}
			text, err := ParseX509(x509Defaults[name].text)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []crypto.Signer{newSigner(t), edKey, rsaKey} {
				for _, request := range requests {
					cr := NewCertificateRequest(newCSR(t, key, request))
					for _, subject := range subjects {
						for _, sans := range names {
							d := &X509Data{Subject: subject, SANs: NewSANs(ca.ParseSANs(sans)), CR: cr}
							equalX509(t, tmpl, text, d)
						}
					}
				}
			}
		})
	}
}

// equalX509 compares what goes to the signer, which is what matters.
func equalX509(t *testing.T, compiled, text *X509, d *X509Data) {
	t.Helper()
	got, err := compiled.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	want, err := text.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := signerView(t, got), signerView(t, want); g != w {
		t.Errorf("compiled template differs from its text for %+v:\n%s\n%s", d, g, w)
	}
}

func signerView(t *testing.T, c *Certificate) string {
	t.Helper()
	cert, err := c.X509()
	if err != nil {
		return "error: " + err.Error()
	}
	cert.URIs, cert.Extensions = nil, nil
	names, err := GeneralNames(cert)
	if err != nil {
		t.Fatal(err)
	}
	view, err := json.Marshal([]any{c.URIs, names, cert.Subject.ToRDNSequence(), cert.KeyUsage, cert.ExtKeyUsage,
		cert.IsCA, cert.MaxPathLen, cert.MaxPathLenZero, cert.BasicConstraintsValid, cert.ExtraExtensions})
	if err != nil {
		t.Fatal(err)
	}
	return string(view)
}

// FuzzCompiledX509 looks for names that tell a compiled template from its text.
func FuzzCompiledX509(f *testing.F) {
	f.Add("w.example", "O & Co", "w.example")
	f.Add("<\u2028>", `"\\`, "https://h/%zz?<&>")
	f.Add("", "", "joe@x")
	texts := map[string]*X509{}
	for name, d := range x509Defaults {
		text, err := ParseX509(d.text)
		if err != nil {
			f.Fatal(err)
		}
		texts[name] = text
	}
	f.Fuzz(func(t *testing.T, cn, organization, san string) {
		// What is not UTF-8 cannot pass through JSON, and is refused by the signer.
		for _, s := range []string{cn, organization, san} {
			if !utf8.ValidString(s) {
				t.Skip()
			}
		}
		subject := Name{CommonName: cn, Organization: Strings{organization}}
		names := NewSANs(ca.ParseSANs([]string{san}))
		cr := &CertificateRequest{Subject: subject, DNSNames: Strings{san}, SANs: names}
		for name, text := range texts {
			compiled, err := DefaultX509(name)
			if err != nil {
				t.Fatal(err)
			}
			equalX509(t, compiled, text, &X509Data{Subject: subject, SANs: names, CR: cr})
		}
	})
}

func BenchmarkCustomLeaf(b *testing.B) {
	leaf, err := ParseX509(TextX509Leaf)
	if err != nil {
		b.Fatal(err)
	}
	csr := newCSR(b, newSigner(b), &x509.CertificateRequest{DNSNames: []string{"w.example"}})
	names := ca.ParseSANs([]string{"w.example"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := leaf.Render(&X509Data{Subject: Name{CommonName: "w.example"}, SANs: NewSANs(names), CR: NewCertificateRequest(csr)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeaf(b *testing.B) {
	leaf, err := DefaultX509(ca.TemplateLeaf)
	if err != nil {
		b.Fatal(err)
	}
	csr := newCSR(b, newSigner(b), &x509.CertificateRequest{DNSNames: []string{"w.example"}})
	names := ca.ParseSANs([]string{"w.example"})
	b.ReportAllocs()
	for b.Loop() {
		c, err := leaf.Render(&X509Data{Subject: Name{CommonName: "w.example"}, SANs: NewSANs(names), CR: NewCertificateRequest(csr)})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.X509(); err != nil {
			b.Fatal(err)
		}
	}
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
