//go:build unix

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/ca"
	"stepca/internal/catest"
	"stepca/kv"
	"stepca/kv/badger"
	"stepca/kv/bolt"
	"stepca/kv/pebble"
	"stepca/store"
)

// embedded are the engines that live in the server's process.
var embedded = []struct {
	name string
	open func(path string) (kv.Engine, error)
}{
	{"pebble", func(path string) (kv.Engine, error) {
		return pebble.Open(context.Background(), pebble.Options{Dir: path})
	}},
	{"badger", func(path string) (kv.Engine, error) {
		return badger.Open(context.Background(), badger.Options{Dir: path})
	}},
	{"bbolt", func(path string) (kv.Engine, error) {
		return bolt.Open(context.Background(), bolt.Options{Path: path})
	}},
}

// TestKilledServer kills a server under load again and again, and holds what its
// clients received against what it finds afterwards: each certificate is in the
// store and its token spent, each revocation is kept, and no token gave two
// certificates; the same for SSH. CRASH_ROUNDS sets how often (the default is a few times).
func TestKilledServer(t *testing.T) {
	rounds := 4
	if s := os.Getenv("CRASH_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal("CRASH_ROUNDS: ", err)
		}
	}
	for _, engine := range embedded {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			c := &crash{t: t, acknowledged: make(map[string]string), lost: make(map[string]bool), renewed: make(map[string]bool), revoked: make(map[string]bool)}
			var db string
			c.ssh = newSSHCrash(c)
			c.ca = catest.Prepare(t, catest.Options{SSH: true, Edit: func(cfg map[string]any) {
				db = filepath.Join(filepath.Dir(cfg["root"].(string)), "db")
				cfg["db"] = map[string]any{"type": engine.name, "dataSource": db}
				// Else a restart would refuse all earlier tokens, spent or not.
				cfg["authority"].(map[string]any)["disableIssuedAtCheck"] = true
			}})
			for round := range rounds {
				c.round(round)
			}
			e, err := engine.open(db)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			c.audit(store.New(e, store.Options{}))
		})
	}
}

// A crash remembers what clients were told.
type crash struct {
	t  *testing.T
	ca *catest.CA

	mu           sync.Mutex
	acknowledged map[string]string // serial number by token ID
	lost         map[string]bool   // token IDs of requests without an answer
	renewed      map[string]bool   // serial numbers that a client received
	revoked      map[string]bool   // serial numbers

	recent []attempt // of the last round

	ssh *sshCrash
}

// An attempt is one request for a certificate.
type attempt struct {
	id, csr, token string
	answered       bool
}

const crashClients = 8

// round starts the server, asks again for what the last round asked for, and
// kills it under load. Now and then it is killed while it starts, too.
func (c *crash) round(n int) {
	c.t.Helper()
	if n%3 == 2 {
		p := launch(c.t, c.ca.ConfigFile)
		time.Sleep(rand.N(60 * time.Millisecond))
		p.kill()
	}
	p := serve(c.t, c.ca)
	c.retry()
	c.ssh.retry()
	var clients sync.WaitGroup
	for i := range sshCrashClients {
		clients.Go(func() { c.ssh.client(fmt.Sprintf("h%d-r%d", i, n)) })
	}
	for i := range crashClients {
		clients.Go(func() { c.client(fmt.Sprintf("c%d-r%d", i, n)) })
	}
	c.busy()
	time.Sleep(rand.N(250 * time.Millisecond))
	p.kill()
	clients.Wait()
}

// busy waits until each kind of request was answered, and some in this round.
func (c *crash) busy() {
	c.t.Helper()
	answered := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.recent) >= crashClients && len(c.renewed) > 0 && len(c.revoked) > 0
	}
	for deadline := time.Now().Add(patience); !answered() || !c.ssh.busy(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatal("the server answers nothing between the crashes")
		}
	}
}

// retry sends the attempts of the last round again. A token that gave a
// certificate gives no other; one whose answer was lost may give one.
func (c *crash) retry() {
	attempts := c.recent
	c.recent = nil
	var clients sync.WaitGroup
	for w := range crashClients {
		clients.Go(func() {
			hc := c.ca.HTTP(nil)
			for i := w; i < len(attempts); i += crashClients {
				a := attempts[i]
				status, body, err := c.post(hc, "/1.0/sign", map[string]any{"csr": a.csr, "ott": a.token})
				switch {
				case err != nil:
					c.t.Errorf("asking again with token %s: %v", a.id, err)
				case status == http.StatusUnauthorized:
				case status == http.StatusCreated && !a.answered:
					c.acknowledge(a.id, body)
				default:
					c.t.Errorf("asking again with token %s (answered before: %v): %d %s", a.id, a.answered, status, body)
				}
			}
		})
	}
	clients.Wait()
}

// client asks for certificates, renews some and has some revoked, until the
// server is gone.
func (c *crash) client(name string) {
	hc := c.ca.HTTP(nil)
	key, csr := c.ca.CSR(x509.CertificateRequest{})
	for i := 0; ; i++ {
		a := attempt{id: fmt.Sprintf("%s-%d", name, i), csr: csr}
		a.token = c.ca.Token(name+".example.com", nil, map[string]any{"jti": a.id})
		status, body, err := c.post(hc, "/1.0/sign", map[string]any{"csr": a.csr, "ott": a.token})
		a.answered = err == nil
		c.mu.Lock()
		c.recent = append(c.recent, a)
		c.lost[a.id] = err != nil
		c.mu.Unlock()
		if err != nil {
			return
		}
		if status != http.StatusCreated {
			c.t.Errorf("sign: %d %s", status, body)
			return
		}
		crt := c.acknowledge(a.id, body)
		if crt == nil {
			return
		}
		crt.PrivateKey = key
		if i%6 == 1 && !c.renew(crt) || i%3 == 2 && !c.revoke(hc, crt.Leaf.SerialNumber.String()) {
			return
		}
	}
}

// acknowledge notes a certificate that a client received.
func (c *crash) acknowledge(id string, body []byte) *tls.Certificate {
	crt, err := catest.ParseSigned(body)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acknowledged[id] = crt.Leaf.SerialNumber.String()
	return crt
}

// renew reports whether the server answered.
func (c *crash) renew(crt *tls.Certificate) bool {
	hc := c.ca.HTTP(crt)
	defer hc.CloseIdleConnections()
	status, body, err := c.post(hc, "/1.0/renew", nil)
	if err != nil {
		return false
	}
	renewed, err := catest.ParseSigned(body)
	if err != nil || status != http.StatusCreated {
		c.t.Errorf("renew: %d %s %v", status, body, err)
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewed[renewed.Leaf.SerialNumber.String()] = true
	return true
}

// revoke reports whether the server answered.
func (c *crash) revoke(hc *http.Client, serial string) bool {
	if !c.postRevocation(hc, "/1.0/revoke", serial, c.ca.RevokeToken(serial)) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revoked[serial] = true
	return true
}

// postRevocation reports whether the server answered, which it has to by agreeing.
func (c *crash) postRevocation(hc *http.Client, path, serial, token string) bool {
	status, body, err := c.post(hc, path, map[string]any{"serial": serial, "ott": token, "passive": true})
	if err == nil && status != http.StatusOK {
		c.t.Errorf("%s: %d %s", path, status, body)
	}
	return err == nil
}

// post returns the whole answer, or an error if it did not come.
func (c *crash) post(hc *http.Client, path string, body any) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	resp, err := hc.Post(c.ca.URL+path, "application/json", bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// audit compares the store with what clients were told.
func (c *crash) audit(s *store.Store) {
	stored := make(map[string]string)     // serial number by token ID
	identities := make(map[string]string) // those of SSH certificates
	renewed := make(map[string]bool)
	total := 0
	for crt, err := range certificates(s) {
		if err != nil {
			c.t.Fatal(err)
		}
		switch crt.Operation {
		case ca.ServerX509: // one for each start
			continue
		case ca.RenewX509:
			renewed[crt.Serial] = true
			continue
		}
		id := crt.TokenID
		if strings.HasPrefix(id, "ssh-") {
			identities[id] = crt.Serial
			continue
		}
		total++
		if other, dup := stored[id]; dup {
			c.t.Errorf("token %s gave two certificates, %s and %s", id, other, crt.Serial)
		}
		stored[id] = crt.Serial
	}
	for serial := range c.renewed {
		if !renewed[serial] {
			c.t.Errorf("the renewed certificate %s was given to a client and is not in the store", serial)
		}
	}
	lost := 0
	for id, serial := range c.acknowledged {
		if stored[id] != serial {
			c.t.Errorf("token %s gave certificate %s to a client; the store has %q", id, serial, stored[id])
		}
	}
	for id := range stored {
		if _, known := c.lost[id]; !known {
			c.t.Errorf("the store has a certificate for token %q, which nobody sent", id)
		}
	}
	for _, was := range c.lost {
		if was {
			lost++
		}
	}
	revoked := make(map[string]bool)
	for rev, err := range revocations(s) {
		if err != nil {
			c.t.Fatal(err)
		}
		revoked[rev.Serial] = true
	}
	for serial := range c.revoked {
		if !revoked[serial] {
			c.t.Errorf("the revocation of %s was acknowledged and is not in the store", serial)
		}
	}
	c.ssh.audit(s, identities)
	c.t.Logf("%d certificates in the store, %d acknowledged, %d renewed, %d answers lost, %d revocations acknowledged",
		total, len(c.acknowledged), len(c.renewed), lost, len(c.revoked))
}
