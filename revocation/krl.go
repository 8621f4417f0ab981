package revocation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"stepca/ca"
	"stepca/store"
)

// A KRL is a key revocation list as sshd reads it (RevokedKeys in sshd_config):
// the serial numbers of the revoked SSH certificates, by the CA key that signed
// them. It carries no signature; who fetches it trusts the connection.
type KRL struct {
	// Version grows with each list of this server, over restarts too: it is the
	// time of making it, in nanoseconds since 1970.
	Version uint64

	ETag  string // strong, with its quotes (RFC 9110 §8.8.3)
	Bytes []byte // OpenSSH PROTOCOL.krl
}

// krls makes the KRL from the store's log, which it follows whenever somebody
// asks.
type krls struct {
	mu      sync.Mutex            // guards all; held while the store is read
	revoked map[uint64]revokedSSH // by serial
	first   time.Time             // earliest end in revoked; zero for none
	looked  time.Time             // when the log was last read; zero for never
	stale   bool                  // something was revoked here since
	changed bool                  // revoked is not what current says
	keys    []krlKey              // of current
	current *KRL                  // nil before the first
}

// A revokedSSH is what the list has to know of a certificate.
type revokedSSH struct {
	ends time.Time      // zero for no known end
	typ  ca.SSHCertType // "" if it is not known
}

// krlPause is the shortest time between two looks at the log, unless something
// was revoked by this server.
const krlPause = time.Second

// KRL returns the current list, with all that this server has revoked and what
// others had revoked a second ago. The error is of kind ca.ErrNotFound if there
// is no SSH CA.
func (s *Service) KRL(ctx context.Context) (*KRL, error) {
	keys := s.settings.Load().sshKeys
	if len(keys) == 0 {
		return nil, ca.Hidden(ca.ErrNotFound, "there is no KRL without an SSH CA")
	}
	now := s.now()
	k := &s.krls
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stale || k.looked.IsZero() || now.Sub(k.looked) >= krlPause {
		if err := k.follow(ctx, s.store, now); err != nil {
			return nil, fmt.Errorf("reading the revoked SSH certificates: %w", err)
		}
	}
	if k.changed || k.current == nil || !slices.EqualFunc(k.keys, keys, krlKey.equal) {
		version := uint64(max(now.UnixNano(), 0))
		if k.current != nil {
			version = max(version, k.current.Version+1)
		}
		k.keys, k.current, k.changed = keys, newKRL(keys, k.revoked, version), false
	}
	return k.current, nil
}

// follow takes what is new in the log, and drops what has expired. After an error
// the next look is at the same part of the log.
func (k *krls) follow(ctx context.Context, from *store.Store, now time.Time) error {
	if k.revoked == nil {
		k.revoked = make(map[uint64]revokedSSH)
	}
	var since time.Time
	if !k.looked.IsZero() {
		since = k.looked.Add(-overlap)
	}
	err := from.SSHRevokedSince(ctx, since, func(e store.SSHRevokedEntry) {
		if _, known := k.revoked[e.Serial]; known || expired(e.ExpiresAt, now) {
			return
		}
		k.revoked[e.Serial] = revokedSSH{e.ExpiresAt, e.Type}
		k.changed = true
		if !e.ExpiresAt.IsZero() && (k.first.IsZero() || e.ExpiresAt.Before(k.first)) {
			k.first = e.ExpiresAt
		}
	})
	if err != nil {
		return err
	}
	k.looked, k.stale = now, false
	k.prune(now)
	return nil
}

// krlGrace is how long a certificate stays on the list after its end, against
// hosts whose clocks are slow.
const krlGrace = 10 * time.Minute

func expired(t, now time.Time) bool { return !t.IsZero() && t.Add(krlGrace).Before(now) }

// prune drops what has expired.
func (k *krls) prune(now time.Time) {
	if !expired(k.first, now) {
		return
	}
	k.first = time.Time{}
	maps.DeleteFunc(k.revoked, func(_ uint64, r revokedSSH) bool {
		if expired(r.ends, now) {
			k.changed = true
			return true
		}
		if !r.ends.IsZero() && (k.first.IsZero() || r.ends.Before(k.first)) {
			k.first = r.ends
		}
		return false
	})
}

// news says that the log has something new.
func (k *krls) news() {
	k.mu.Lock()
	k.stale = true
	k.mu.Unlock()
}
