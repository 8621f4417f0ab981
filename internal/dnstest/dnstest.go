// Package dnstest runs a DNS server on loopback for tests of ACME validation.
package dnstest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// A Server answers each question for an address with 127.0.0.1, and each for a
// TXT record with the lines of the file in Dir that is named as the record,
// without the final dot. So hooks of other programs can write records.
type Server struct {
	Dir  string
	Addr string // host:port, UDP and TCP
}

// New runs a server until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	conn, listener := listen(t)
	s := &Server{Dir: t.TempDir(), Addr: conn.LocalAddr().String()}
	for _, server := range []*dns.Server{{PacketConn: conn, Handler: s}, {Listener: listener, Handler: s}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe()
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
	return s
}

// listen finds a port that is free for UDP and for TCP.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", conn.LocalAddr().String())
		if err == nil {
			return conn, listener
		}
		conn.Close() // somebody has the port for TCP
	}
	t.Fatal("no port is free for UDP and for TCP")
	return nil, nil
}

// Resolver returns a resolver that asks the server, whatever the system says.
func (s *Server) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.Addr)
	}}
}

// ServeDNS implements dns.Handler.
func (s *Server) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(query)
	q := query.Question[0]
	head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch q.Qtype {
	case dns.TypeA:
		reply.Answer = append(reply.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
	case dns.TypeTXT:
		name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
		data, err := os.ReadFile(filepath.Join(s.Dir, filepath.Base(name)))
		if err != nil {
			reply.Rcode = dns.RcodeNameError
		}
		for _, line := range strings.Fields(string(data)) {
			reply.Answer = append(reply.Answer, &dns.TXT{Hdr: head, Txt: []string{line}})
		}
	}
	w.WriteMsg(reply)
}
