package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"stepca/jose"
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
				c := &acmeClient{http: clients[i], p: p}
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

// flow gets one certificate for a name of its own, with a new account.
func (w *acmeWorld) flow(ctx context.Context, c *acmeClient, n int) (err error) {
	if c.key, err = newKey(); err != nil {
		return err
	}
	c.account = ""
	answer, err := c.post(ctx, c.url("new-account"), `{"termsOfServiceAgreed":true}`, nil)
	if err != nil {
		return err
	}
	c.account = answer.Get("Location")
	name := fmt.Sprintf("host-%08d.example.com", n)
	var order acmeOrder
	answer, err = c.post(ctx, c.url("new-order"), fmt.Sprintf(`{"identifiers":[{"type":"dns","value":%q}]}`, name), &order)
	if err != nil {
		return err
	}
	location := answer.Get("Location")
	if len(order.Authorizations) != 1 {
		return fmt.Errorf("an order for one name has %d authorizations", len(order.Authorizations))
	}
	if err := w.authorize(ctx, c, order.Authorizations[0]); err != nil {
		return err
	}
	csr, err := csrFor(name)
	if err != nil {
		return err
	}
	if _, err := c.post(ctx, order.Finalize, fmt.Sprintf(`{"csr":%q}`, base64.RawURLEncoding.EncodeToString(csr)), nil); err != nil {
		return err
	}
	for order.Certificate == "" {
		if _, err := c.post(ctx, location, "", &order); err != nil {
			return err
		}
	}
	_, err = c.post(ctx, order.Certificate, "", nil)
	return err
}

// authorize fulfils an authorization by http-01.
func (w *acmeWorld) authorize(ctx context.Context, c *acmeClient, url string) error {
	var a acmeAuthorization
	if _, err := c.post(ctx, url, "", &a); err != nil {
		return err
	}
	i := slices.IndexFunc(a.Challenges, func(c acmeChallenge) bool { return c.Type == "http-01" })
	if i < 0 {
		return errors.New("the server offers no http-01 challenge")
	}
	thumbprint, err := (&jose.JWK{Key: c.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return err
	}
	token := a.Challenges[i].Token
	w.answers.Store(token, token+"."+base64.RawURLEncoding.EncodeToString(thumbprint))
	defer w.answers.Delete(token)
	if _, err := c.post(ctx, a.Challenges[i].URL, "{}", nil); err != nil {
		return err
	}
	for a.Status = "pending"; a.Status == "pending"; {
		if _, err := c.post(ctx, url, "", &a); err != nil {
			return err
		}
	}
	if a.Status != "valid" {
		return fmt.Errorf("the authorization became %s", a.Status)
	}
	return nil
}

// csrFor returns a certificate request for a name, with a key of its own.
func csrFor(name string) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
}
