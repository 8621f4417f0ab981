package va

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

// serveDNS answers on loopback, by UDP and TCP, and returns a resolver that asks it.
func serveDNS(t *testing.T, handler dns.HandlerFunc) *net.Resolver {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go server.ActivateAndServe()
		<-started
		t.Cleanup(func() { server.Shutdown() })
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := udp.LocalAddr().String()
		if strings.HasPrefix(network, "tcp") {
			address = tcp.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Error(err)
	}
	return rr
}

// overUDP reports whether a query came so.
func overUDP(w dns.ResponseWriter) bool { return w.LocalAddr().Network() == "udp" }

func TestHostileNameServers(t *testing.T) {
	t.Parallel()
	digest := digestText(testKeyAuth)
	answer := func(edit func(w dns.ResponseWriter, name string, reply *dns.Msg)) dns.HandlerFunc {
		return func(w dns.ResponseWriter, query *dns.Msg) {
			reply := new(dns.Msg)
			reply.SetReply(query)
			reply.RecursionAvailable = true
			edit(w, query.Question[0].Name, reply)
			w.WriteMsg(reply)
		}
	}
	many := func(t *testing.T, n int, last string) dns.HandlerFunc {
		return answer(func(w dns.ResponseWriter, name string, reply *dns.Msg) {
			if overUDP(w) {
				reply.Truncated = true
				return
			}
			for i := range n {
				reply.Answer = append(reply.Answer, record(t, fmt.Sprintf("%s 60 IN TXT \"%d\"", name, i)))
			}
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT "`+last+`"`))
			reply.Compress = true
		})
	}
	const d, ir = acme.ProblemDNS, acme.ProblemIncorrectResponse
	for name, tt := range map[string]struct {
		handler dns.HandlerFunc
		problem acme.ProblemType
		text    string
	}{
		"thousands of records, ours the last": {many(t, 3000, digest), "", ""},
		"thousands of records, none ours":     {many(t, 3000, "x"), ir, "…"},
		"truncated, and nothing by TCP": {answer(func(w dns.ResponseWriter, _ string, reply *dns.Msg) {
			if reply.Truncated = overUDP(w); !reply.Truncated {
				w.Close()
			}
		}), d, "looking up the TXT record"},
		"truncated by TCP too": {answer(func(_ dns.ResponseWriter, _ string, reply *dns.Msg) { reply.Truncated = true }), d, ""},
		"SERVFAIL":             {answer(func(_ dns.ResponseWriter, _ string, reply *dns.Msg) { reply.Rcode = dns.RcodeServerFailure }), d, "server misbehaving"},
		"REFUSED":              {answer(func(_ dns.ResponseWriter, _ string, reply *dns.Msg) { reply.Rcode = dns.RcodeRefused }), d, ""},
		"NXDOMAIN":             {answer(func(_ dns.ResponseWriter, _ string, reply *dns.Msg) { reply.Rcode = dns.RcodeNameError }), d, "there is no TXT record"},
		"no records":           {answer(func(dns.ResponseWriter, string, *dns.Msg) {}), d, "there is no TXT record"},
		"silent":               {func(dns.ResponseWriter, *dns.Msg) {}, d, "no answer in time"},
		"an alias of itself": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+" 60 IN CNAME "+name))
		}), d, "there is no TXT record"},
		"aliases in a circle": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+" 60 IN CNAME a.example."), record(t, "a.example. 60 IN CNAME "+name))
		}), d, "there is no TXT record"},
		"another ID": {func(w dns.ResponseWriter, query *dns.Msg) {
			reply := new(dns.Msg)
			reply.SetReply(query)
			reply.Id++
			reply.Answer = append(reply.Answer, record(t, query.Question[0].Name+` 60 IN TXT "`+digest+`"`))
			w.WriteMsg(reply)
		}, d, "no answer in time"},
		"another question": {answer(func(_ dns.ResponseWriter, _ string, reply *dns.Msg) {
			reply.Question[0].Name = "evil.example."
			reply.Answer = append(reply.Answer, record(t, `evil.example. 60 IN TXT "`+digest+`"`))
		}), d, ""},
		"no DNS at all": {func(w dns.ResponseWriter, _ *dns.Msg) { w.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")) }, d, ""},
		"the digest padded": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT "`+digest+`="`))
		}), ir, "no TXT record"},
		"the digest spaced": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT " `+digest+`"`))
		}), ir, "no TXT record"},
		"in another case": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT "`+strings.ToLower(digest)+`"`))
		}), ir, "no TXT record"},
		"the key authorization": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT "`+testKeyAuth+`"`))
		}), ir, "no TXT record"},
		"control characters": {answer(func(_ dns.ResponseWriter, name string, reply *dns.Msg) {
			reply.Answer = append(reply.Answer, record(t, name+` 60 IN TXT "\027]0;x\007\255"`))
		}), ir, `\x1b]0;x\a\xff`},
		"a record of 60,000 octets": {answer(func(w dns.ResponseWriter, name string, reply *dns.Msg) {
			if reply.Truncated = overUDP(w); !reply.Truncated {
				reply.Answer = append(reply.Answer, &dns.TXT{
					Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: strings.Split(strings.Repeat(strings.Repeat("x", 250)+" ", 235), " ")[:235],
				})
			}
		}), ir, `xx\u2026"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endless := slices.Contains([]string{"silent", "another ID", "another question", "no DNS at all"}, name)
			v := New(Config{Resolver: serveDNS(t, tt.handler), StrictFQDN: true, Timeout: timeoutFor(endless)})
			err := bounded(t, v, validation(acme.DNS01, ca.Identifier{Type: ca.DNS, Value: "a.example"}))
			wantProblem(t, err, tt.problem, tt.problem != "", tt.text)
		})
	}
}

// CAA records that cannot be read are no leave to issue.
func TestHostileCAAServers(t *testing.T) {
	t.Parallel()
	reply := func(edit func(w dns.ResponseWriter, name string, reply *dns.Msg)) dns.HandlerFunc {
		return func(w dns.ResponseWriter, query *dns.Msg) {
			reply := new(dns.Msg)
			reply.SetReply(query)
			reply.RecursionAvailable = true
			edit(w, query.Question[0].Name, reply)
			w.WriteMsg(reply)
		}
	}
	for name, tt := range map[string]struct {
		handler dns.HandlerFunc
		problem acme.ProblemType
	}{
		"silent":   {func(dns.ResponseWriter, *dns.Msg) {}, acme.ProblemDNS},
		"SERVFAIL": {reply(func(_ dns.ResponseWriter, _ string, m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), acme.ProblemDNS},
		"REFUSED":  {reply(func(_ dns.ResponseWriter, _ string, m *dns.Msg) { m.Rcode = dns.RcodeRefused }), acme.ProblemDNS},
		"garbage":  {func(w dns.ResponseWriter, _ *dns.Msg) { w.Write([]byte("x")) }, acme.ProblemDNS},
		"truncated, and closed by TCP": {reply(func(w dns.ResponseWriter, _ string, m *dns.Msg) {
			if m.Truncated = overUDP(w); !m.Truncated {
				w.Close()
			}
		}), acme.ProblemDNS},
		"hundreds of records": {reply(func(w dns.ResponseWriter, name string, m *dns.Msg) {
			if m.Truncated = overUDP(w); m.Truncated {
				return
			}
			for range 200 {
				m.Answer = append(m.Answer, record(t, name+` 60 IN CAA 0 issue "ca.example"`))
			}
		}), acme.ProblemDNS},
		"truncated, and refused by TCP": {reply(func(w dns.ResponseWriter, name string, m *dns.Msg) {
			if m.Truncated = overUDP(w); !m.Truncated {
				m.Answer = append(m.Answer, record(t, name+` 60 IN CAA 0 issue ";"`))
			}
		}), acme.ProblemCAA},
		"truncated by TCP too": {reply(func(_ dns.ResponseWriter, name string, m *dns.Msg) {
			m.Truncated = true
			m.Answer = append(m.Answer, record(t, name+` 60 IN CAA 0 issue "ca.example"`))
		}), acme.ProblemDNS},
		"another question": {reply(func(_ dns.ResponseWriter, _ string, m *dns.Msg) {
			m.Question[0].Name = "evil.example."
			m.Answer = append(m.Answer, record(t, `evil.example. 60 IN CAA 0 issue "ca.example"`))
		}), acme.ProblemDNS},
		"no question": {reply(func(_ dns.ResponseWriter, _ string, m *dns.Msg) { m.Question = nil }), acme.ProblemDNS},
		"malformed parameters": {reply(func(_ dns.ResponseWriter, name string, m *dns.Msg) {
			m.Answer = append(m.Answer, record(t, name+` 60 IN CAA 0 issue "ca.example; accounturi"`))
		}), acme.ProblemCAA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := New(Config{Resolver: serveDNS(t, tt.handler), StrictFQDN: true, Timeout: timeoutFor(name == "silent")})
			req := validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "a.b.example"})
			req.IssuerDomainNames = []string{"ca.example"}
			p, ok := v.CheckCAA(t.Context(), req).(*acme.Problem)
			if !ok || !p.HasType(tt.problem) {
				t.Errorf("CheckCAA = %v, want a problem of type %s", p, tt.problem)
			}
		})
	}
}

// TestCAAServersOfOldAge: a datagram lost and a server that does not know EDNS are
// no reason to refuse.
func TestCAAServersOfOldAge(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	v := New(Config{Timeout: patience, Resolver: serveDNS(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if lost.CompareAndSwap(false, true) {
			w.Write([]byte("x")) // as good as lost, and sooner
			return
		}
		reply := new(dns.Msg)
		reply.SetReply(query)
		if query.IsEdns0() != nil {
			reply.Rcode = dns.RcodeFormatError
		} else {
			reply.Answer = append(reply.Answer, record(t, query.Question[0].Name+` 60 IN CAA 0 issue "other.example"`))
		}
		w.WriteMsg(reply)
	})})
	req := validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "a.example"})
	req.IssuerDomainNames = []string{"ca.example"}
	wantProblem(t, v.CheckCAA(t.Context(), req), acme.ProblemCAA, false, `found "issue other.example"`)
}
