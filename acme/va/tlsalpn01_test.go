package va

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// alpnServer shakes hands with a certificate until the test ends, and returns
// its port.
func alpnServer(t *testing.T, crt tls.Certificate, protocols ...string) int {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{crt}, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.(*tls.Conn).Handshake()
			}()
		}
	}()
	return portOf(t, l.Addr().String())
}

// challengeCertificate makes one that RFC 8737 wants, after edit.
func challengeCertificate(t testing.TB, keyAuthorization string, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	sum := sha256.Sum256([]byte(keyAuthorization))
	ext := extension(t, oidACMEIdentifier, sum[:])
	ext.Value = append([]byte{asn1.TagOctetString, sha256.Size}, sum[:]...)
	ext.Critical = true
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtraExtensions: []pkix.Extension{ext}, DNSNames: []string{"A.example"},
	}
	parent := tmpl
	if edit != nil {
		edit(tmpl)
	}
	if tmpl.Issuer.CommonName != "" {
		parent = &x509.Certificate{Subject: tmpl.Issuer}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTLSALPN01(t *testing.T) {
	t.Parallel()
	name := ca.Identifier{Type: ca.DNS, Value: "a.example"}
	ip := ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}
	loopback := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} }
	resolver := zone{"a.example. A": {"127.0.0.1"}}.resolver(t)
	for _, tt := range []struct {
		name    string
		id      ca.Identifier
		edit    func(*x509.Certificate)
		problem acme.ProblemType
		text    string
	}{
		{"a name, in any case", name, nil, "", ""},
		{"an address", ip, loopback, "", ""},
		{"no extension", name, func(c *x509.Certificate) { c.ExtraExtensions = nil }, acme.ProblemIncorrectResponse, "has no acmeIdentifier"},
		{"extension not critical", name, func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false }, acme.ProblemIncorrectResponse, "not critical"},
		{"digest too short", name, func(c *x509.Certificate) { c.ExtraExtensions[0].Value = []byte{4, 1, 0} }, acme.ProblemIncorrectResponse, "malformed"},
		{"another digest", name, func(c *x509.Certificate) { c.ExtraExtensions[0].Value[10] ^= 1 }, acme.ProblemIncorrectResponse, "the digest of the key authorization"},
		{"obsolete extension", name, func(c *x509.Certificate) {
			c.ExtraExtensions[0].Id = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30, 1}
		}, acme.ProblemIncorrectResponse, "has no acmeIdentifier"},
		{"another name", name, func(c *x509.Certificate) { c.DNSNames = []string{"b.example"} }, acme.ProblemIncorrectResponse, `it has "dns:b.example"`},
		{"two names", name, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "b.example") }, acme.ProblemIncorrectResponse, "only subject alternative name"},
		{"a name and a URI", name, func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "urn", Opaque: "x"}} }, acme.ProblemIncorrectResponse, "only subject alternative name"},
		{"an address as a name", ip, func(c *x509.Certificate) { c.DNSNames = []string{"127.0.0.1"} }, acme.ProblemIncorrectResponse, "only subject alternative name"},
		{"another issuer", name, func(c *x509.Certificate) { c.Issuer.CommonName = "Issuer" }, acme.ProblemIncorrectResponse, "not self-signed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			port := alpnServer(t, challengeCertificate(t, testKeyAuth, tt.edit), alpnACME)
			_, err := New(Config{TLSPort: port, Resolver: resolver, StrictFQDN: true}).Validate(t.Context(), validation(acme.TLSALPN01, tt.id))
			wantProblem(t, err, tt.problem, false, tt.text)
		})
	}
}

func TestTLSALPN01Servers(t *testing.T) {
	t.Parallel()
	crt := challengeCertificate(t, testKeyAuth, nil)
	ip := validation(acme.TLSALPN01, ca.Identifier{Type: ca.IP, Value: "127.0.0.1"})
	_, err := New(Config{TLSPort: alpnServer(t, crt, "h2")}).Validate(t.Context(), ip)
	wantProblem(t, err, acme.ProblemTLS, false, "does not speak the protocol")
	_, err = New(Config{TLSPort: alpnServer(t, crt)}).Validate(t.Context(), ip)
	wantProblem(t, err, acme.ProblemTLS, false, "does not speak the protocol")
	_, err = New(Config{TLSPort: 1}).Validate(t.Context(), ip)
	wantProblem(t, err, acme.ProblemConnection, true, "connecting to 127.0.0.1:1")
	metadata := validation(acme.TLSALPN01, ca.Identifier{Type: ca.IP, Value: "169.254.169.254"})
	_, err = New(Config{}).Validate(t.Context(), metadata)
	wantProblem(t, err, acme.ProblemConnection, false, "link-local")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, err = New(Config{TLSPort: portOf(t, silent.Addr().String()), Timeout: impatience}).Validate(t.Context(), ip)
	wantProblem(t, err, acme.ProblemTLS, true, "no answer in time")
}

func TestReverseServerName(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.1":   "1.2.0.192.in-addr.arpa",
		"2001:db8::1": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		if got := serverName(ca.Identifier{Type: ca.IP, Value: addr}); got != want {
			t.Errorf("serverName(%s) = %s, want %s", addr, got, want)
		}
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return int(ap.Port())
}
