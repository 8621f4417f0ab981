package va

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// tlsServer shakes hands as config says until the test ends, and returns its port.
func tlsServer(t *testing.T, config *tls.Config) int {
	t.Helper()
	return listen(t, func(conn net.Conn) {
		server := tls.Server(conn, config)
		if server.HandshakeContext(t.Context()) == nil {
			io.Copy(io.Discard, server)
		}
	})
}

func TestHostileTLSServers(t *testing.T) {
	t.Parallel()
	loopback := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} }
	right := challengeCertificate(t, testKeyAuth, loopback)
	wrong := challengeCertificate(t, "x.y", loopback)
	two := func(first, second tls.Certificate) tls.Certificate {
		return tls.Certificate{Certificate: [][]byte{first.Certificate[0], second.Certificate[0]}, PrivateKey: first.PrivateKey}
	}
	with := func(crt tls.Certificate, edit func(*tls.Config)) func(net.Conn) {
		config := &tls.Config{Certificates: []tls.Certificate{crt}, NextProtos: []string{alpnACME}}
		if edit != nil {
			edit(config)
		}
		return func(conn net.Conn) { tls.Server(conn, config).Handshake() }
	}
	many := challengeCertificate(t, testKeyAuth, func(c *x509.Certificate) {
		loopback(c)
		for i := range 2000 {
			c.DNSNames = append(c.DNSNames, strings.Repeat("x", 1+i%60)+".example")
		}
	})
	const bad, broken = acme.ProblemIncorrectResponse, acme.ProblemTLS
	for name, tt := range map[string]struct {
		serve     func(net.Conn)
		problem   acme.ProblemType
		temporary bool
		text      string
	}{
		"two certificates, the right one first": {with(two(right, wrong), nil), "", false, ""},
		"two certificates, the wrong one first": {with(two(wrong, right), nil), bad, false, "digest of the key authorization"},
		"another key authorization":             {with(wrong, nil), bad, false, "digest of the key authorization"},
		"another protocol":                      {with(right, func(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }), broken, false, "does not speak"},
		"no protocols":                          {with(right, func(c *tls.Config) { c.NextProtos = nil }), broken, false, "does not speak"},
		"TLS 1.2":                               {with(right, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), "", false, ""},
		"TLS 1.1":                               {with(right, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), broken, true, "protocol version"},
		"asks for a certificate":                {with(right, func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }), "", false, ""},
		"demands a certificate":                 {with(right, func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }), broken, true, ""},
		"thousands of names":                    {with(many, nil), bad, false, "only subject alternative name"},
		"closes at once":                        {func(net.Conn) {}, broken, true, ""},
		"says nothing":                          {func(conn net.Conn) { io.Copy(io.Discard, conn) }, broken, true, "no answer in time"},
		"speaks HTTP":                           {says("HTTP/1.1 400 Bad Request\r\n\r\n"), broken, true, "does not look like a TLS handshake"},
		"drips":                                 {drips("\x16\x03\x03\x40\x00", "\x02"), broken, true, "no answer in time"},
		"a record without end":                  {drips("\x16\x03\x03\xff\xff", "\x02"), broken, true, ""},
		"alerts without end":                    {drips("", "\x15\x03\x03\x00\x02\x01\x00"), broken, true, ""},
		"an RSA key of 16384 bits":              {with(bigCertificate(t), nil), broken, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endless := name == "says nothing" || name == "drips"
			v := New(Config{TLSPort: listen(t, tt.serve), Timeout: timeoutFor(endless)})
			wantProblem(t, bounded(t, v, validation(acme.TLSALPN01, loopbackID)), tt.problem, tt.temporary, tt.text)
		})
	}
}

// bigCertificate has a key that nobody holds; the server of it signs with garbage.
func bigCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	n := make([]byte, 16384/8)
	rand.Read(n)
	n[0], n[len(n)-1] = n[0]|0x80, n[len(n)-1]|1
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	signer := challengeCertificate(t, testKeyAuth, nil).PrivateKey
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: garbage{pub}}
}

// garbage is a signer of nothing.
type garbage struct{ pub *rsa.PublicKey }

func (g garbage) Public() crypto.PublicKey { return g.pub }

func (g garbage) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, g.pub.Size()), nil
}

func TestHostileChallengeCertificates(t *testing.T) {
	t.Parallel()
	name := ca.Identifier{Type: ca.DNS, Value: "a.example"}
	san := func(names ...asn1.RawValue) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			value, err := asn1.Marshal(names)
			if err != nil {
				t.Fatal(err)
			}
			c.DNSNames = nil
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidSubjectAltName, Value: value})
		}
	}
	dnsName := func(s string) asn1.RawValue { return asn1.RawValue{Class: 2, Tag: 2, Bytes: []byte(s)} }
	value := func(b ...byte) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtraExtensions[0].Value = b }
	}
	for text, tt := range map[string]struct {
		edit func(*x509.Certificate)
		want string // in the problem; "" is success
	}{
		"in another case":            {func(c *x509.Certificate) { c.DNSNames = []string{"A.EXAMPLE"} }, ""},
		"expired":                    {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, ""},
		"no names":                   {func(c *x509.Certificate) { c.DNSNames = nil }, "only subject alternative name"},
		"the name as CN only":        {func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "a.example" }, "only subject alternative name"},
		"several names":              {func(c *x509.Certificate) { c.DNSNames = []string{"a.example", "b.example", "c.example"} }, "only subject alternative name"},
		"the name twice":             {san(dnsName("a.example"), dnsName("a.example")), "only subject alternative name"},
		"a wildcard":                 {func(c *x509.Certificate) { c.DNSNames = []string{"*.example"} }, "only subject alternative name"},
		"a trailing dot":             {func(c *x509.Certificate) { c.DNSNames = []string{"a.example."} }, "only subject alternative name"},
		"a NUL":                      {san(dnsName("a.example\x00")), ""},
		"an otherName too":           {san(dnsName("a.example"), asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: []byte{6, 1, 1}}), "only subject alternative name"},
		"an e-mail address":          {san(asn1.RawValue{Class: 2, Tag: 1, Bytes: []byte("a.example")}), "only subject alternative name"},
		"extension empty":            {value(), "malformed"},
		"extension of 31 octets":     {value(append([]byte{4, 31}, make([]byte, 31)...)...), "malformed"},
		"extension of 33 octets":     {value(append([]byte{4, 33}, make([]byte, 33)...)...), "malformed"},
		"extension of another type":  {value(append([]byte{3, 32}, make([]byte, 32)...)...), "malformed"},
		"extension with a tail":      {func(c *x509.Certificate) { c.ExtraExtensions[0].Value = append(c.ExtraExtensions[0].Value, 0) }, "malformed"},
		"extension of zeros":         {value(append([]byte{4, 32}, make([]byte, 32)...)...), "digest of the key authorization"},
		"extension of a huge length": {value(4, 0x84, 0x7f, 0xff, 0xff, 0xff), "malformed"},
		"extension twice": {func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, c.ExtraExtensions[0])
		}, "duplicate"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			port := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{challengeCertificate(t, testKeyAuth, tt.edit)}, NextProtos: []string{alpnACME}})
			v := New(Config{TLSPort: port, Resolver: zone{"a.example. A": {"127.0.0.1"}}.resolver(t), StrictFQDN: true, Timeout: patience})
			err := bounded(t, v, validation(acme.TLSALPN01, name))
			p, failed := errors.AsType[*acme.Problem](err)
			switch {
			case text == "a NUL":
				if !failed {
					t.Error("accepted")
				}
			case failed != (tt.want != "") || failed && !strings.Contains(p.Detail, tt.want):
				t.Errorf("err = %v, want %q", err, tt.want)
			}
		})
	}
}
