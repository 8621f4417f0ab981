package va

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	queryTimeout  = 5 * time.Second // of one DNS query of our own
	queryAttempts = 2               // at each resolver, as datagrams get lost
)

func (v *Validator) resolver() *net.Resolver {
	if v.cfg.Resolver != nil {
		return v.cfg.Resolver
	}
	return net.DefaultResolver
}

// textResolver is the resolver for TXT records. If it cannot tell what a name has
// (SERVFAIL, as for signatures that DNSSEC finds false), that is the answer: no
// domain of the search list is tried instead.
func (v *Validator) textResolver() *net.Resolver {
	r := v.resolver()
	return &net.Resolver{PreferGo: r.PreferGo, StrictErrors: true, Dial: r.Dial}
}

// exchange asks the resolvers that the rest of the process uses: package net
// knows no CAA records. The first that answers decides, whatever it says.
func (v *Validator) exchange(ctx context.Context, query *dns.Msg) (answer *dns.Msg, err error) {
	for range queryAttempts {
		for _, server := range systemResolvers() {
			if answer, err = v.ask(ctx, server, query); err == nil || ctx.Err() != nil {
				return answer, err
			}
		}
	}
	return nil, err
}

// ask asks one resolver, by TCP what does not fit into a datagram.
func (v *Validator) ask(ctx context.Context, server string, query *dns.Msg) (*dns.Msg, error) {
	answer, err := v.askOver(ctx, "udp", server, query)
	if err == nil && answer.Truncated {
		answer, err = v.askOver(ctx, "tcp", server, query)
	}
	switch {
	case err != nil:
		return nil, err
	case answer.Truncated:
		return nil, errors.New("the answer is truncated, by TCP too")
	case answer.Id != query.Id, !answersQuestion(answer, query):
		return nil, errors.New("the answer is for another query")
	}
	return answer, nil
}

func (v *Validator) askOver(ctx context.Context, network, server string, query *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	dial := v.resolver().Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	client := dns.Client{Net: network, UDPSize: 1232}
	answer, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn, UDPSize: 1232})
	return answer, err
}

// answersQuestion reports whether an answer is to the question of a query. An error
// may come without one.
func answersQuestion(answer, query *dns.Msg) bool {
	if len(answer.Question) == 0 {
		return answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError
	}
	got, want := answer.Question[0], query.Question[0]
	return len(answer.Question) == 1 && got.Qtype == want.Qtype && got.Qclass == want.Qclass && strings.EqualFold(got.Name, want.Name)
}

// systemResolvers are the resolvers that the system names.
func systemResolvers() []string {
	cfg, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil || len(cfg.Servers) == 0 {
		return []string{"127.0.0.1:53"}
	}
	servers := make([]string, len(cfg.Servers))
	for i, server := range cfg.Servers {
		servers[i] = net.JoinHostPort(server, cfg.Port)
	}
	return servers
}
