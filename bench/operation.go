package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"time"

	"stepca/api"
)

// An operation is a row of the table.
type operation struct {
	name   string // in the table
	file   string // of its profile
	target float64
	holds  string // what its floor holds, for people
	floor  func(floors) time.Duration

	// prepare returns the load on a running server.
	prepare func(*bench, *process) (*load, error)
}

var signX509 = operation{
	name: "POST /sign (JWK token)", file: "sign", target: 1.5, holds: "verify, CSR, certificate",
	floor:   func(f floors) time.Duration { return 2*f.Verify + f.Certificate },
	prepare: prepared((*bench).anonymous, signRequests),
}

var renewX509 = operation{
	name: "POST /renew (mTLS, kept alive)", file: "renew", target: 1.8, holds: "certificate",
	floor: func(f floors) time.Duration { return f.Certificate },
	prepare: prepared((*bench).certified, func(_ *process, n int) ([]request, error) {
		return repeat(request{http.MethodPost, "/1.0/renew", []byte("{}"), http.StatusCreated}, n), nil
	}),
}

// health has no floor of its own: it shows what a request costs that does nothing.
var health = operation{
	name: "GET /health", file: "health", holds: "nothing; compared with one signature",
	floor: func(f floors) time.Duration { return f.Sign },
	prepare: prepared((*bench).anonymous, func(_ *process, n int) ([]request, error) {
		return repeat(request{method: http.MethodGet, path: "/1.0/health", status: http.StatusOK}, n), nil
	}),
}

// revokeX509 revokes the certificates with the given serial numbers, while the CRL
// holds others already.
func revokeX509(listed int, serials []string) operation {
	return operation{
		name: fmt.Sprintf("POST /revoke, CRL on, %d revoked before", listed), file: fmt.Sprintf("revoke-%d", listed),
		target: 3, holds: "verify",
		floor: func(f floors) time.Duration { return f.Verify },
		prepare: prepared((*bench).anonymous, func(p *process, n int) ([]request, error) {
			return p.revokeRequests(serials[:n])
		}),
	}
}

func repeat(r request, n int) []request {
	list := make([]request, n)
	for i := range list {
		list[i] = r
	}
	return list
}

// signRequests prepares tokens and CSRs, each with a key and a name of its own.
func signRequests(p *process, n int) ([]request, error) {
	list := make([]request, n)
	for i := range list {
		r, _, err := p.signRequest(fmt.Sprintf("host-%08d.example.com", i))
		if err != nil {
			return nil, err
		}
		list[i] = r
	}
	return list, nil
}

func (a *authority) signRequest(name string) (request, tls.Certificate, error) {
	key, err := newKey()
	if err != nil {
		return request{}, tls.Certificate{}, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		return request{}, tls.Certificate{}, err
	}
	token, err := a.token("/1.0/sign", name, []string{name})
	if err != nil {
		return request{}, tls.Certificate{}, err
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	r, err := post("/1.0/sign", map[string]any{"csr": string(csr), "ott": token}, http.StatusCreated)
	return r, tls.Certificate{PrivateKey: key}, err
}

func (p *process) revokeRequests(serials []string) ([]request, error) {
	list := make([]request, len(serials))
	for i, serial := range serials {
		token, err := p.token("/1.0/revoke", serial, nil)
		if err != nil {
			return nil, err
		}
		body := api.RevokeRequest{Serial: serial, Token: token, ReasonCode: 4, Reason: "bench", Passive: true}
		if list[i], err = post("/1.0/revoke", body, http.StatusOK); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// anonymous returns clients without certificates.
func (b *bench) anonymous(p *process) ([]*http.Client, error) {
	clients := make([]*http.Client, b.connections)
	for i := range clients {
		clients[i] = p.client(nil, b.http2)
	}
	return clients, nil
}

// certified returns clients with a certificate each, issued by the server.
func (b *bench) certified(p *process) ([]*http.Client, error) {
	first := p.client(nil, b.http2)
	defer first.CloseIdleConnections()
	clients := make([]*http.Client, b.connections)
	for i := range clients {
		crt, err := p.certificate(first, fmt.Sprintf("client-%d.example.com", i))
		if err != nil {
			return nil, err
		}
		clients[i] = p.client(crt, b.http2)
	}
	return clients, nil
}

// certificate gets one from the server.
func (p *process) certificate(c *http.Client, name string) (*tls.Certificate, error) {
	r, crt, err := p.signRequest(name)
	if err != nil {
		return nil, err
	}
	resp, err := c.Post(p.url(r.path), "application/json", bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var body api.SignResponse
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		return nil, err
	}
	for _, c := range api.Certificates(body.CertChain) {
		crt.Certificate = append(crt.Certificate, c.Raw)
	}
	if len(crt.Certificate) == 0 {
		return nil, fmt.Errorf("POST %s: %s", r.path, resp.Status)
	}
	return &crt, nil
}

// row measures an operation on a running server.
func (b *bench) row(ctx context.Context, p *process, op *operation) (*row, error) {
	progress("%s: preparing", op.name)
	l, err := op.prepare(b, p)
	if err != nil {
		return nil, err
	}
	before, err := measureFloors(ctx)
	if err != nil {
		return nil, err
	}
	progress("%s: running", op.name)
	out, err := b.drive(ctx, p, op.file, l)
	l.close()
	if err != nil {
		return nil, err
	}
	after, err := measureFloors(ctx)
	if err != nil {
		return nil, err
	}
	floor := op.floor(before.mean(after))
	return &row{
		Operation: op.name, Holds: op.holds, Target: op.target,
		Ratio: float64(out.perRequest()) / float64(floor),
		CPU:   out.perRequest(), Floor: floor,
		PerSecond: float64(out.requests) / out.wall.Seconds(),
		P50:       out.percentile(50), P95: out.percentile(95), P99: out.percentile(99),
	}, nil
}
