package va

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// A demand is what a section of a standard asks of a validating server.
type demand struct {
	section, what string
	test          func(t *testing.T)
}

func hold(t *testing.T, demands []demand) {
	t.Helper()
	for _, d := range demands {
		t.Run(d.section+"/"+d.what, func(t *testing.T) {
			t.Parallel()
			d.test(t)
		})
	}
}

var exampleID = ca.Identifier{Type: ca.DNS, Value: "a.example"}

// validate makes an attempt at a challenge of an identifier.
func validate(t *testing.T, cfg Config, typ acme.ChallengeType, id ca.Identifier) error {
	t.Helper()
	if cfg.Resolver == nil {
		cfg.Resolver = zone{"a.example. A": {"127.0.0.1"}}.resolver(t)
	}
	cfg.StrictFQDN, cfg.Timeout = true, 2*time.Second
	_, err := New(cfg).Validate(t.Context(), validation(typ, id))
	return err
}

// wantType fails unless err is a problem of a type.
func wantType(t *testing.T, err error, typ acme.ProblemType) {
	t.Helper()
	if p, ok := errors.AsType[*acme.Problem](err); !ok || !p.HasType(typ) {
		t.Errorf("err = %v, want a problem of type %s", err, typ)
	}
}

// hello is what a TLS server saw of its client.
type hello struct {
	mu     sync.Mutex
	infos  []tls.ClientHelloInfo
	states []tls.ConnectionState
	data   []byte // sent by the client after the handshake
	closed chan struct{}
}

// serve shakes hands with a certificate, and notes what the client does.
func (h *hello) serve(t *testing.T, crt tls.Certificate) int {
	t.Helper()
	h.closed = make(chan struct{}, 10)
	config := &tls.Config{Certificates: []tls.Certificate{crt}, NextProtos: []string{alpnACME}}
	config.GetConfigForClient = func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.infos = append(h.infos, *info)
		return nil, nil
	}
	return listen(t, func(raw net.Conn) {
		conn := tls.Server(raw, config)
		if conn.Handshake() != nil {
			return
		}
		data, _ := io.ReadAll(conn)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.states, h.data = append(h.states, conn.ConnectionState()), append(h.data, data...)
		h.closed <- struct{}{}
	})
}

// onNetwork are the demands of RFC 8555 on validation itself.
var onNetwork = []demand{
	{"8.3", "GET from port 80 of the name, at the well-known path", func(t *testing.T) {
		if v := New(Config{}); v.cfg.HTTPPort != 80 || v.http01URL(validation(acme.HTTP01, exampleID)) != "http://a.example/.well-known/acme-challenge/"+testToken {
			t.Errorf("port %d, URL %s", v.cfg.HTTPPort, v.http01URL(validation(acme.HTTP01, exampleID)))
		}
		port := web(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/.well-known/acme-challenge/"+testToken || !strings.HasPrefix(r.Host, "a.example") || r.UserAgent() != UserAgent {
				http.Error(w, "no", http.StatusTeapot)
			}
			io.WriteString(w, testKeyAuth)
		})
		if err := validate(t, Config{HTTPPort: port}, acme.HTTP01, exampleID); err != nil {
			t.Error(err)
		}
	}},
	{"8.3", "the body is the key authorization, white space at its end aside", func(t *testing.T) {
		for body, ok := range map[string]bool{testKeyAuth: true, testKeyAuth + "\r\n \t": true, testKeyAuth + "x": false, testToken: false, "": false, testKeyAuth + " " + testKeyAuth: false} {
			err := validate(t, Config{HTTPPort: web(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })}, acme.HTTP01, exampleID)
			if ok && err != nil {
				t.Errorf("body %q: %v", body, err)
			} else if !ok {
				wantType(t, err, acme.ProblemIncorrectResponse)
			}
		}
	}},
	{"8.3", "redirects are followed, ten at most", func(t *testing.T) {
		for redirects, ok := range map[int]bool{10: true, 11: false} {
			port := web(t, func(w http.ResponseWriter, r *http.Request) {
				var n int
				if fmt.Sscanf(r.URL.Path, "/%d", &n); n < redirects {
					http.Redirect(w, r, fmt.Sprintf("/%d", n+1), http.StatusFound)
					return
				}
				io.WriteString(w, testKeyAuth)
			})
			if err := validate(t, Config{HTTPPort: port}, acme.HTTP01, exampleID); (err == nil) != ok {
				t.Errorf("%d redirects: %v", redirects, err)
			}
		}
	}},
	{"8.4", "one of the TXT records is the digest", func(t *testing.T) {
		digest := `"` + digestText(testKeyAuth) + `"`
		for name, tt := range map[string]struct {
			records []string
			typ     acme.ProblemType
		}{
			"it alone": {[]string{digest}, ""}, "among others": {[]string{`"x"`, digest, `"y"`}, ""}, "others": {[]string{`"x"`}, acme.ProblemIncorrectResponse}, "none": {nil, acme.ProblemDNS},
		} {
			err := validate(t, Config{Resolver: zone{"_acme-challenge.a.example. TXT": tt.records}.resolver(t)}, acme.DNS01, exampleID)
			if tt.typ != "" {
				wantType(t, err, tt.typ)
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}},
	{"10.4", "no requests to link-local and metadata addresses", func(t *testing.T) {
		for _, address := range []string{"169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0"} {
			for _, typ := range []acme.ChallengeType{acme.HTTP01, acme.TLSALPN01} {
				wantType(t, validate(t, Config{}, typ, ca.Identifier{Type: ca.IP, Value: address}), acme.ProblemConnection)
			}
		}
	}},
}

// rfc8737 is tls-alpn-01.
var rfc8737 = []demand{
	{"3", "SNI is the name alone, ALPN acme-tls/1 alone, TLS 1.2 or later, port 443", func(t *testing.T) {
		var h hello
		if err := validate(t, Config{TLSPort: h.serve(t, challengeCertificate(t, testKeyAuth, nil))}, acme.TLSALPN01, exampleID); err != nil {
			t.Fatal(err)
		}
		info := h.infos[0]
		if info.ServerName != "a.example" || len(info.SupportedProtos) != 1 || info.SupportedProtos[0] != "acme-tls/1" {
			t.Errorf("ClientHello for %q by %v", info.ServerName, info.SupportedProtos)
		}
		for _, version := range info.SupportedVersions {
			if version < tls.VersionTLS12 {
				t.Errorf("offers TLS %x", version)
			}
		}
		if New(Config{}).cfg.TLSPort != 443 {
			t.Error("another port than 443")
		}
	}},
	{"3", "nothing is sent after the handshake, and no session resumed", func(t *testing.T) {
		var h hello
		cfg := Config{TLSPort: h.serve(t, challengeCertificate(t, testKeyAuth, nil)), Resolver: zone{"a.example. A": {"127.0.0.1"}}.resolver(t), StrictFQDN: true}
		v := New(cfg)
		for range 2 {
			if _, err := v.Validate(t.Context(), validation(acme.TLSALPN01, exampleID)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-h.closed:
			case <-time.After(patience):
				t.Fatal("the connection stays open")
			}
		}
		if len(h.data) != 0 || h.states[1].DidResume {
			t.Errorf("sent %q, resumed: %v", h.data, h.states[1].DidResume)
		}
	}},
	{"3", "the server has to choose acme-tls/1", func(t *testing.T) {
		for _, protocols := range [][]string{nil, {"h2"}, {"acme-tls/2"}} {
			port := alpnServer(t, challengeCertificate(t, testKeyAuth, nil), protocols...)
			wantType(t, validate(t, Config{TLSPort: port}, acme.TLSALPN01, exampleID), acme.ProblemTLS)
		}
	}},
	{"3", "self-signed, the name as the only alternative name, in any case", func(t *testing.T) {
		for name, tt := range map[string]struct {
			edit func(*x509.Certificate)
			ok   bool
		}{
			"any case":       {func(c *x509.Certificate) { c.DNSNames = []string{"A.eXample"} }, true},
			"another name":   {func(c *x509.Certificate) { c.DNSNames = []string{"b.example"} }, false},
			"two names":      {func(c *x509.Certificate) { c.DNSNames = []string{"a.example", "b.example"} }, false},
			"an address too": {func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }, false},
			"no name":        {func(c *x509.Certificate) { c.DNSNames = nil }, false},
			"another issuer": {func(c *x509.Certificate) { c.Issuer.CommonName = "Issuer" }, false},
		} {
			err := validate(t, Config{TLSPort: alpnServer(t, challengeCertificate(t, testKeyAuth, tt.edit), alpnACME)}, acme.TLSALPN01, exampleID)
			if tt.ok && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !tt.ok {
				wantType(t, err, acme.ProblemIncorrectResponse)
			}
		}
	}},
	{"3", "a critical acmeIdentifier with the digest", func(t *testing.T) {
		for _, edit := range []func(*x509.Certificate){
			func(c *x509.Certificate) { c.ExtraExtensions = nil },
			func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false },
			func(c *x509.Certificate) { c.ExtraExtensions[0].Value[5] ^= 1 },
			func(c *x509.Certificate) { c.ExtraExtensions[0].Value = c.ExtraExtensions[0].Value[2:] },
			func(c *x509.Certificate) {
				c.ExtraExtensions[0].Id = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 30, 1}
			},
		} {
			port := alpnServer(t, challengeCertificate(t, testKeyAuth, edit), alpnACME)
			wantType(t, validate(t, Config{TLSPort: port}, acme.TLSALPN01, exampleID), acme.ProblemIncorrectResponse)
		}
	}},
}

// rfc8738 is about addresses.
var rfc8738 = []demand{
	{"5", "http-01 has the address as its Host", func(t *testing.T) {
		if u := New(Config{}).http01URL(validation(acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "2001:db8::1"})); !strings.HasPrefix(u, "http://[2001:db8::1]/.well-known/") {
			t.Errorf("URL %s", u)
		}
		port := web(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.Host, "127.0.0.1") {
				http.Error(w, r.Host, http.StatusTeapot)
			}
			io.WriteString(w, testKeyAuth)
		})
		if err := validate(t, Config{HTTPPort: port}, acme.HTTP01, loopbackID); err != nil {
			t.Error(err)
		}
	}},
	{"6", "tls-alpn-01 has the reverse name in SNI, and one iPAddress", func(t *testing.T) {
		loopback := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} }
		var h hello
		if err := validate(t, Config{TLSPort: h.serve(t, challengeCertificate(t, testKeyAuth, loopback))}, acme.TLSALPN01, loopbackID); err != nil {
			t.Fatal(err)
		}
		if got := h.infos[0].ServerName; got != "1.0.0.127.in-addr.arpa" {
			t.Errorf("SNI %q", got)
		}
		if got := serverName(ca.Identifier{Type: ca.IP, Value: "2001:db8::1"}); got != "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" {
			t.Errorf("SNI %q", got)
		}
		for _, edit := range []func(*x509.Certificate){
			func(c *x509.Certificate) { c.DNSNames = []string{"127.0.0.1"} },
			func(c *x509.Certificate) { c.DNSNames = []string{"1.0.0.127.in-addr.arpa"} },
			func(c *x509.Certificate) {
				c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2)}
			},
			func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 2)} },
		} {
			port := alpnServer(t, challengeCertificate(t, testKeyAuth, edit), alpnACME)
			wantType(t, validate(t, Config{TLSPort: port}, acme.TLSALPN01, loopbackID), acme.ProblemIncorrectResponse)
		}
	}},
	{"7", "no dns-01 for addresses", func(t *testing.T) {
		for _, typ := range []acme.ChallengeType{acme.DNS01, acme.DNSAccount01, acme.DNSPersist01} {
			wantType(t, validate(t, Config{}, typ, loopbackID), acme.ProblemMalformed)
		}
		for _, typ := range acme.ChallengesFor(loopbackID, false) {
			if strings.HasPrefix(string(typ), "dns") {
				t.Errorf("%s is offered for an address", typ)
			}
		}
	}},
}

func TestRFC8555(t *testing.T) {
	t.Parallel()
	hold(t, onNetwork)
}

func TestRFC8737(t *testing.T) {
	t.Parallel()
	hold(t, rfc8737)
}

func TestRFC8738(t *testing.T) {
	t.Parallel()
	hold(t, rfc8738)
}
