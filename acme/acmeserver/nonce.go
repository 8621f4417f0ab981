package acmeserver

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// A nonce (RFC 8555 §6.5) is 16 octets that are never issued twice and 16 of
// their HMAC, 43 characters in base64url. The server keeps none of those that it
// issued, only which were used.
const (
	nonceBody = 16
	nonceMAC  = 16
)

// nonceLifetime is how long a nonce is good where used ones are in the database.
const nonceLifetime = time.Hour

// window is how many nonces issued before the newest are good where used ones are
// in memory: one bit each, 512 KiB.
const window = 1 << 22

// nonces issues nonces and sees that each is used once.
//
// One server alone counts them, and keeps a bit for each of the last ones. Its key
// is new at each start, so that nonces from before, whose use is forgotten, are
// refused. Servers that share a database share the key, and leave it to the
// transaction of the request to store that the nonce was used.
type nonces struct {
	key    []byte
	shared bool
	now    func() time.Time

	mu   sync.Mutex // guards the rest, which only a server alone uses
	last uint64     // newest counter issued
	used []uint64   // bits, counter modulo window
}

func newNonces(key []byte, shared bool, now func() time.Time) *nonces {
	n := &nonces{key: key, shared: shared, now: now}
	if !shared {
		n.used = make([]uint64, window/64)
	}
	return n
}

// issue returns a new nonce.
func (n *nonces) issue() string {
	var raw [nonceBody + nonceMAC]byte
	if n.shared {
		rand.Read(raw[8:nonceBody])
		binary.BigEndian.PutUint64(raw[:], uint64(n.now().Unix()))
	} else {
		binary.BigEndian.PutUint64(raw[:], n.count())
	}
	copy(raw[nonceBody:], n.mac(raw[:nonceBody]))
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// count returns the next counter and frees its bit.
func (n *nonces) count() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	at := n.last % window
	n.used[at/64] &^= 1 << (at % 64)
	return n.last
}

func (n *nonces) mac(body []byte) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write(body)
	return h.Sum(nil)[:nonceMAC]
}

// redeem uses a nonce. What it returns is to be spent in the store, nil if there
// is nothing to store. The error is a problem, badNonce unless the nonce is malformed.
func (n *nonces) redeem(nonce string) (*ca.OneTimeID, error) {
	if nonce == "" {
		return nil, badNonce("the protected header has no nonce")
	}
	raw, err := acme.DecodeBase64URL(nonce) // one spelling only: shared servers store it
	switch {
	case err != nil:
		return nil, malformed("the nonce in the protected header is not base64url") // RFC 8555 §6.5.2
	case len(raw) != nonceBody+nonceMAC || !hmac.Equal(raw[nonceBody:], n.mac(raw[:nonceBody])):
		return nil, badNonce("the nonce was not issued by this server, or before it was started")
	}
	value := binary.BigEndian.Uint64(raw)
	if n.shared {
		expires := time.Unix(int64(value), 0).Add(nonceLifetime)
		if n.now().After(expires) {
			return nil, badNonce("the nonce is too old")
		}
		return &ca.OneTimeID{ID: nonce, Expires: expires}, nil
	}
	return nil, n.mark(value)
}

// mark notes that a counter was used.
func (n *nonces) mark(value uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last-value >= window {
		return badNonce("the nonce is too old")
	}
	at := value % window
	if n.used[at/64]&(1<<(at%64)) != 0 {
		return badNonce("the nonce was used before")
	}
	n.used[at/64] |= 1 << (at % 64)
	return nil
}

func badNonce(reason string) *acme.Problem {
	return acme.NewProblem(acme.ProblemBadNonce, "%s; take the one in this answer", reason)
}

// newNonce answers with a nonce and nothing else (RFC 8555 §7.2).
func (s *Server) newNonce(x *exchange) error {
	x.startSigned()
	status := http.StatusNoContent
	if x.r.Method == http.MethodHead {
		status = http.StatusOK
	}
	x.write(status, "", nil)
	return nil
}
