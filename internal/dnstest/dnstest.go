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

// Key by which dynamic updates are signed, with HMAC-SHA-256: its name, and its
// secret in base64.
const (
	KeyName = "acme."
	Secret  = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgb2YgMzIgb2N0ZXQ="
)

// A Server answers each question for an address with 127.0.0.1, and each for a
// TXT record with the lines of the file in Dir that is named as the record,
// without the final dot. So hooks of other programs can write records; so can
// dynamic updates (RFC 2136) that Key signs. Names of two labels are zones.
type Server struct {
	Dir  string
	Addr string // host:port, UDP and TCP
}

// New runs a server until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	conn, l := listen(t)
	s := &Server{Dir: t.TempDir(), Addr: conn.LocalAddr().String()}
	for _, server := range []*dns.Server{{PacketConn: conn}, {Listener: l}} {
		started := make(chan struct{})
		server.Handler, server.NotifyStartedFunc = s, func() { close(started) }
		server.TsigSecret, server.MsgAcceptFunc = map[string]string{KeyName: Secret}, accept
		go server.ActivateAndServe()
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
	return s
}

// listen returns a free port, in both protocols.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for attempts := 10; ; attempts-- {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", conn.LocalAddr().String())
		if err == nil {
			return conn, l
		}
		conn.Close()
		if attempts == 0 {
			t.Fatal(err)
		}
	}
}

// accept lets updates through, which the library would refuse.
func accept(head dns.Header) dns.MsgAcceptAction {
	if opcode := int(head.Bits>>11) & 0xf; opcode == dns.OpcodeUpdate {
		return dns.MsgAccept
	}
	return dns.DefaultMsgAcceptFunc(head)
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
	reply.Authoritative = true
	if query.Opcode == dns.OpcodeUpdate {
		reply.Rcode = s.update(w, query)
	} else {
		s.answer(reply, query.Question[0])
	}
	if sig := query.IsTsig(); sig != nil && w.TsigStatus() == nil {
		reply.SetTsig(sig.Hdr.Name, sig.Algorithm, 300, int64(sig.TimeSigned))
	}
	w.WriteMsg(reply)
}

func (s *Server) answer(reply *dns.Msg, q dns.Question) {
	head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch q.Qtype {
	case dns.TypeA:
		reply.Answer = append(reply.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
	case dns.TypeSOA:
		if dns.CountLabel(q.Name) == 2 {
			reply.Answer = append(reply.Answer, &dns.SOA{Hdr: head, Ns: "ns." + q.Name, Mbox: "ops." + q.Name, Serial: 1, Minttl: 1})
		}
	case dns.TypeTXT:
		lines, err := s.lines(q.Name)
		if err != nil {
			reply.Rcode = dns.RcodeNameError
		}
		for _, line := range lines {
			reply.Answer = append(reply.Answer, &dns.TXT{Hdr: head, Txt: []string{line}})
		}
	}
}

// update changes TXT records as RFC 2136 §2.5 says.
func (s *Server) update(w dns.ResponseWriter, m *dns.Msg) (rcode int) {
	if m.IsTsig() == nil || w.TsigStatus() != nil {
		return dns.RcodeNotAuth
	}
	for _, rr := range m.Ns {
		var err error
		switch name := rr.Header().Name; rr.Header().Class {
		case dns.ClassINET:
			if txt, ok := rr.(*dns.TXT); ok {
				lines, _ := s.lines(name)
				err = s.write(name, append(lines, txt.Txt...))
			}
		case dns.ClassNONE: // this record
			if txt, ok := rr.(*dns.TXT); ok {
				lines, _ := s.lines(name)
				err = s.write(name, without(lines, strings.Join(txt.Txt, "")))
			}
		case dns.ClassANY: // all of the name
			err = s.write(name, nil)
		}
		if err != nil {
			return dns.RcodeServerFailure
		}
	}
	return dns.RcodeSuccess
}

func without(lines []string, line string) []string {
	var rest []string
	for _, l := range lines {
		if l != line {
			rest = append(rest, l)
		}
	}
	return rest
}

// file returns the path of the file that has the TXT records of a name.
func (s *Server) file(name string) string {
	return filepath.Join(s.Dir, filepath.Base(strings.ToLower(strings.TrimSuffix(name, "."))))
}

func (s *Server) lines(name string) ([]string, error) {
	data, err := os.ReadFile(s.file(name))
	return strings.Fields(string(data)), err
}

func (s *Server) write(name string, lines []string) error {
	if len(lines) == 0 {
		return os.RemoveAll(s.file(name))
	}
	return os.WriteFile(s.file(name), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}
