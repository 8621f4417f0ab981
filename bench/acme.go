package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// acmeFlows is how many flows are under way at a time.
const acmeFlows = 64

// acmeFlow is what a client does that has no account yet. It sends eight requests,
// each signed: account, order, authorization, challenge, the challenge's result,
// finalize, order, certificate.
func acmeFlow(w *acmeWorld) operation {
	return operation{
		name: "ACME, account to certificate, http-01", file: "acme", target: 2.5, holds: "8 verifies, CSR, certificate",
		floor: func(f floors) time.Duration { return 9*f.Verify + f.Certificate },
		prepare: func(b *bench, p *process) (*load, error) {
			l := &load{pieces: b.flows}
			clients := make([]*http.Client, acmeFlows)
			for i := range clients {
				clients[i] = p.client(nil, b.http2)
				c := &acme.Client{Directory: p.url("/acme/acme/directory"), HTTPClient: clients[i], PollInterval: time.Nanosecond}
				l.workers = append(l.workers, func(ctx context.Context, n int) error { return w.flow(ctx, c, n) })
			}
			l.close = func() { closeIdle(clients) }
			return l, nil
		},
	}
}

// An acmeWorld is where the server validates: a resolver that knows every name as
// a loopback address, and a web server there that knows all key authorizations.
type acmeWorld struct {
	dns     *dns.Server
	web     *http.Server
	webPort string
	answers sync.Map // key authorization by token
}

func newACMEWorld() (*acmeWorld, error) {
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, packets.Close())
	}
	w := new(acmeWorld)
	if _, w.webPort, err = net.SplitHostPort(listener.Addr().String()); err != nil {
		return nil, err
	}
	started := make(chan struct{})
	w.dns = &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(answerLoopback), NotifyStartedFunc: func() { close(started) }}
	w.web = &http.Server{Handler: http.HandlerFunc(w.answerChallenge)}
	go w.dns.ActivateAndServe() // until close
	go w.web.Serve(listener)
	<-started
	return w, nil
}

func (w *acmeWorld) close() error { return errors.Join(w.dns.Shutdown(), w.web.Close()) }

// serverArguments make the server live in this world.
func (w *acmeWorld) serverArguments() []string {
	return []string{"--resolver", w.dns.PacketConn.LocalAddr().String(), "--acme-http-port", w.webPort, "--insecure"}
}

func answerLoopback(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	for _, q := range query.Question {
		if q.Qtype == dns.TypeA {
			head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: q.Qclass, Ttl: 60}
			reply.Answer = append(reply.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
		}
	}
	w.WriteMsg(reply)
}

func (w *acmeWorld) answerChallenge(rw http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.URL.Path, "/.well-known/acme-challenge/")
	answer, ok := w.answers.Load(token)
	if !ok {
		http.NotFound(rw, r)
		return
	}
	fmt.Fprint(rw, answer)
}

// flow gets one certificate for a name of its own.
func (w *acmeWorld) flow(ctx context.Context, c *acme.Client, n int) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	account, err := c.NewAccount(ctx, acme.Account{PrivateKey: key, TermsOfServiceAgreed: true})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("host-%08d.example.com", n)
	order, err := c.NewOrder(ctx, account, acme.Order{Identifiers: []acme.Identifier{{Type: "dns", Value: name}}})
	if err != nil {
		return err
	}
	for _, url := range order.Authorizations {
		if err := w.authorize(ctx, c, account, url); err != nil {
			return err
		}
	}
	csr, err := csrFor(name)
	if err != nil {
		return err
	}
	if order, err = c.FinalizeOrder(ctx, account, order, csr); err != nil {
		return err
	}
	if order, err = c.GetOrder(ctx, account, order); err != nil {
		return err
	}
	_, err = c.GetCertificateChain(ctx, account, order.Certificate)
	return err
}

func (w *acmeWorld) authorize(ctx context.Context, c *acme.Client, account acme.Account, url string) error {
	authorization, err := c.GetAuthorization(ctx, account, url)
	if err != nil {
		return err
	}
	for _, challenge := range authorization.Challenges {
		if challenge.Type != acme.ChallengeTypeHTTP01 {
			continue
		}
		w.answers.Store(challenge.Token, challenge.KeyAuthorization)
		defer w.answers.Delete(challenge.Token)
		if _, err := c.InitiateChallenge(ctx, account, challenge); err != nil {
			return err
		}
		_, err := c.PollAuthorization(ctx, account, authorization)
		return err
	}
	return errors.New("the server offers no http-01 challenge")
}

// csrFor returns a certificate request for a name, with a key of its own.
func csrFor(name string) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
}
