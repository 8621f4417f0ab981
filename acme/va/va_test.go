package va

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

const (
	testToken   = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
	testKeyAuth = testToken + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
	testAccount = "https://ca.example.com/acme/acme/account/1"
)

// A zone is the DNS of a test: what a name has, by name and type. It answers
// REFUSED for what the test wants to fail.
type zone map[string][]string

// resolver serves the zone on loopback and returns a resolver that asks it.
func (z zone) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(z.answer)}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go server.ActivateAndServe()
	<-started
	t.Cleanup(func() { server.Shutdown() })
	address := conn.LocalAddr().String()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address)
	}}
}

func (z zone) answer(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.Authoritative = true // else no records are a lame referral
	q := query.Question[0]
	name := strings.ToLower(q.Name)
	for depth := 0; depth < 10; depth++ {
		alias, ok := z[name+" CNAME"]
		if !ok {
			break
		}
		rr, _ := dns.NewRR(name + " 60 IN CNAME " + alias[0])
		reply.Answer = append(reply.Answer, rr)
		name = alias[0]
	}
	if z[name+" FAIL"] != nil {
		reply.Rcode = dns.RcodeServerFailure
		w.WriteMsg(reply)
		return
	}
	for _, value := range z[name+" "+dns.TypeToString[q.Qtype]] {
		rr, err := dns.NewRR(name + " 60 IN " + dns.TypeToString[q.Qtype] + " " + value)
		if err != nil {
			panic(err)
		}
		reply.Answer = append(reply.Answer, rr)
	}
	if len(reply.Answer) == 0 {
		reply.Rcode = dns.RcodeNameError
		if q.Qtype == dns.TypeAAAA {
			reply.Rcode = dns.RcodeSuccess
		}
	}
	w.WriteMsg(reply)
}

func digestText(keyAuthorization string) string {
	sum := sha256.Sum256([]byte(keyAuthorization))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func validation(typ acme.ChallengeType, id ca.Identifier) *acme.Validation {
	return &acme.Validation{Type: typ, Identifier: id, Token: testToken, KeyAuthorization: testKeyAuth, AccountURL: testAccount}
}

// wantProblem checks the type of a problem, whether it is temporary, and a part
// of its text. An empty type means success.
func wantProblem(t testing.TB, err error, typ acme.ProblemType, temporary bool, text string) {
	t.Helper()
	if typ == "" {
		if err != nil {
			t.Fatalf("err = %v, want none", err)
		}
		return
	}
	p, ok := err.(*acme.Problem)
	if !ok {
		t.Fatalf("err = %v (%T), want a problem of type %s", err, err, typ)
	}
	if !p.HasType(typ) || p.Temporary != temporary || !strings.Contains(p.Detail, text) {
		t.Fatalf("problem %s (temporary %v): %s\nwant %s (temporary %v): …%s…", p.Type, p.Temporary, p.Detail, typ, temporary, text)
	}
}

// web runs an HTTP server and returns its port.
func web(t *testing.T, handler http.HandlerFunc) int {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return int(netip.MustParseAddrPort(server.Listener.Addr().String()).Port())
}

func TestUnsuitedChallenges(t *testing.T) {
	t.Parallel()
	dnsName := ca.Identifier{Type: ca.DNS, Value: "example.com"}
	ip := ca.Identifier{Type: ca.IP, Value: "127.0.0.1"}
	for _, tt := range []struct {
		typ      acme.ChallengeType
		id       ca.Identifier
		wildcard bool
	}{
		{acme.HTTP01, dnsName, true},
		{acme.TLSALPN01, dnsName, true},
		{acme.DNS01, ip, false},
		{acme.DNSPersist01, ip, false},
		{acme.DeviceAttest01, dnsName, false},
		{acme.HTTP01, ca.Identifier{Type: ca.IP, Value: "evil.example.com"}, false},
		{"telepathy-01", dnsName, false},
	} {
		req := validation(tt.typ, tt.id)
		req.Wildcard = tt.wildcard
		_, err := New(Config{}).Validate(t.Context(), req)
		wantProblem(t, err, acme.ProblemMalformed, false, "")
	}
}

func TestRefuseMetadata(t *testing.T) {
	t.Parallel()
	for addr, allowed := range map[string]bool{
		"127.0.0.1": true, "10.0.0.1": true, "192.168.1.1": true, "::1": true, "fd00::1": true, "8.8.8.8": true,
		"169.254.169.254": false, "::ffff:169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false,
		"fd00:ec2::254": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::a9fe:a9fe": false, "2002:a9fe:a9fe::1": false, "::a9fe:a9fe": false, "2002:a00:1::1": true, "100.100.100.200": false, "168.63.129.16": false,
		"0.0.0.0": false, "::": false, "224.0.0.1": false, "fd20:ce::254": false,
		"fd00:c1::a9fe:a9fe": false, "fd00:a9fe:a9fe::1": false, "fd00:42::42": false, "fd00:42::42%eth0": false, "fd00:42::43": true,
	} {
		if err := refuseMetadata(netip.MustParseAddr(addr)); (err == nil) != allowed {
			t.Errorf("refuseMetadata(%s) = %v, want allowed %v", addr, err, allowed)
		}
	}
}
