//go:build unix

package e2e

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/store"
)

// sshCrash is what a crash remembers of SSH certificates. Each is asked for with
// an identity, so that the two have to be in the store together or not at all.
type sshCrash struct {
	*crash

	mu           sync.Mutex
	acknowledged map[string]uint64 // serial number by token ID
	sent         map[string]bool   // token IDs
	renewed      map[uint64]bool   // serial numbers that a client received
	revoked      map[uint64]bool   // serial numbers

	recent []sshAttempt // of the last round
}

func newSSHCrash(c *crash) *sshCrash {
	return &sshCrash{
		crash: c, acknowledged: make(map[string]uint64), sent: make(map[string]bool),
		renewed: make(map[uint64]bool), revoked: make(map[uint64]bool),
	}
}

// A sshAttempt is one request for a certificate.
type sshAttempt struct {
	id       string
	body     map[string]any
	answered bool
}

const sshCrashClients = 3

// busy reports whether each kind of request was answered, and some in this round.
func (c *sshCrash) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.recent) >= sshCrashClients && len(c.renewed) > 0 && len(c.revoked) > 0
}

// retry sends the attempts of the last round again, and looks for what was revoked
// before the crash in the list that hosts read.
func (c *sshCrash) retry() {
	attempts := c.recent
	c.recent = nil
	hc := c.ca.HTTP(nil)
	status, krl := c.ca.Get(hc, "/ssh/krl")
	for serial := range c.revoked {
		if status != http.StatusOK || !bytes.Contains(krl, binary.BigEndian.AppendUint64(nil, serial)) {
			c.t.Errorf("SSH certificate %d was revoked before the crash and is not on the KRL (%d)", serial, status)
		}
	}
	for _, a := range attempts {
		status, body, err := c.post(hc, "/1.0/ssh/sign", a.body)
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
}

// client asks for host certificates, renews some and has some revoked, until the
// server is gone.
func (c *sshCrash) client(name string) {
	hc := c.ca.HTTP(nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Error(err)
		return
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		c.t.Error(err)
		return
	}
	_, csr := c.ca.CSR(x509.CertificateRequest{})
	for i := 0; ; i++ {
		id := fmt.Sprintf("ssh-%s-%d", name, i)
		token := c.ca.SSHToken(name+".example.com", map[string]any{"certType": "host"}, map[string]any{"jti": id})
		a := sshAttempt{id: id, body: map[string]any{"publicKey": pub.Marshal(), "ott": token, "identityCSR": csr}}
		status, body, err := c.post(hc, "/1.0/ssh/sign", a.body)
		a.answered = err == nil
		c.mu.Lock()
		c.recent = append(c.recent, a)
		c.sent[id] = true
		c.mu.Unlock()
		if err != nil {
			return
		}
		if status != http.StatusCreated {
			c.t.Errorf("ssh/sign: %d %s", status, body)
			return
		}
		crt := c.acknowledge(id, body)
		if crt == nil {
			return
		}
		if i%4 == 1 && !c.renew(hc, crt, key) || i%3 == 2 && !c.revoke(hc, crt.Serial) {
			return
		}
	}
}

// acknowledge notes a certificate that a client received.
func (c *sshCrash) acknowledge(id string, body []byte) *ssh.Certificate {
	crt := c.parse(body)
	if crt == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acknowledged[id] = crt.Serial
	return crt
}

func (c *sshCrash) parse(body []byte) *ssh.Certificate {
	var answer api.SSHSignResponse
	if err := json.Unmarshal(body, &answer); err != nil || answer.Certificate.Certificate == nil {
		c.t.Errorf("no certificate in %s: %v", body, err)
		return nil
	}
	return answer.Certificate.Certificate
}

// renew reports whether the server answered.
func (c *sshCrash) renew(hc *http.Client, crt *ssh.Certificate, key crypto.Signer) bool {
	token := c.ca.SSHPOPToken("renew", crt, key, strconv.FormatUint(crt.Serial, 10))
	status, body, err := c.post(hc, "/1.0/ssh/renew", map[string]any{"ott": token})
	if err != nil {
		return false
	}
	if status != http.StatusCreated {
		c.t.Errorf("ssh/renew: %d %s", status, body)
		return true
	}
	if renewed := c.parse(body); renewed != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.renewed[renewed.Serial] = true
	}
	return true
}

// revoke reports whether the server answered.
func (c *sshCrash) revoke(hc *http.Client, serial uint64) bool {
	text := strconv.FormatUint(serial, 10)
	if !c.postRevocation(hc, "/1.0/ssh/revoke", text, c.ca.SSHRevokeToken(text)) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revoked[serial] = true
	return true
}

// audit compares the store with what clients were told. identities are the
// serial numbers of X.509 certificates by token ID.
func (c *sshCrash) audit(s *store.Store, identities map[string]string) {
	stored := make(map[string]uint64) // serial number by token ID
	renewed := make(map[uint64]bool)
	for crt, err := range pages(func(ctx context.Context, p store.Page) ([]*store.SSHCertificate, string, error) {
		return s.SSHCertificates(ctx, store.SSHQuery{Page: p})
	}) {
		if err != nil {
			c.t.Fatal(err)
		}
		if crt.Operation == ca.RenewSSH {
			renewed[crt.Serial] = true
			continue
		}
		if other, dup := stored[crt.TokenID]; dup {
			c.t.Errorf("token %s gave two SSH certificates, %d and %d", crt.TokenID, other, crt.Serial)
		}
		stored[crt.TokenID] = crt.Serial
		if !c.sent[crt.TokenID] {
			c.t.Errorf("the store has an SSH certificate for token %q, which nobody sent", crt.TokenID)
		}
		if identities[crt.TokenID] == "" {
			c.t.Errorf("the SSH certificate for token %s is in the store without its identity", crt.TokenID)
		}
		delete(identities, crt.TokenID)
	}
	for id := range identities {
		c.t.Errorf("the identity for token %s is in the store without its SSH certificate", id)
	}
	for id, serial := range c.acknowledged {
		if stored[id] != serial {
			c.t.Errorf("token %s gave SSH certificate %d to a client; the store has %d", id, serial, stored[id])
		}
	}
	for serial := range c.renewed {
		if !renewed[serial] {
			c.t.Errorf("the renewed SSH certificate %d was given to a client and is not in the store", serial)
		}
	}
	for serial := range c.revoked {
		rev, err := s.SSHRevoked(context.Background(), serial)
		if err != nil || rev == nil {
			c.t.Errorf("the revocation of SSH certificate %d was acknowledged and is not in the store: %v", serial, err)
		}
	}
	c.t.Logf("%d SSH certificates in the store, %d acknowledged, %d renewed, %d revocations acknowledged",
		len(stored), len(c.acknowledged), len(c.renewed), len(c.revoked))
}
