package revocation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

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
	mu      sync.Mutex           // guards all; held while the store is read
	expires map[uint64]time.Time // by serial; zero for no known end
	first   time.Time            // earliest of expires but zero; zero for none
	looked  time.Time            // when the log was last read; zero for never
	stale   bool                 // something was revoked here since
	changed bool                 // expires is not what current says
	keys    []ssh.PublicKey      // of current
	current *KRL                 // nil before the first
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
	if k.changed || k.current == nil || !slices.EqualFunc(k.keys, keys, sameSSHKey) {
		version := uint64(max(now.UnixNano(), 0))
		if k.current != nil {
			version = max(version, k.current.Version+1)
		}
		k.keys, k.current, k.changed = keys, newKRL(keys, slices.Sorted(maps.Keys(k.expires)), version), false
	}
	return k.current, nil
}

// distinctSSHKeys leaves out keys that are there before: one key may sign for
// users and hosts.
func distinctSSHKeys(keys []ssh.PublicKey) (distinct []ssh.PublicKey) {
	for _, key := range keys {
		if !slices.ContainsFunc(distinct, func(other ssh.PublicKey) bool { return sameSSHKey(key, other) }) {
			distinct = append(distinct, key)
		}
	}
	return distinct
}

func sameSSHKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// follow takes what is new in the log, and drops what has expired. After an error
// the next look is at the same part of the log.
func (k *krls) follow(ctx context.Context, from *store.Store, now time.Time) error {
	if k.expires == nil {
		k.expires = make(map[uint64]time.Time)
	}
	var since time.Time
	if !k.looked.IsZero() {
		since = k.looked.Add(-overlap)
	}
	err := from.SSHRevokedSince(ctx, since, func(e store.SSHRevokedEntry) {
		if _, known := k.expires[e.Serial]; known || expired(e.ExpiresAt, now) {
			return
		}
		k.expires[e.Serial] = e.ExpiresAt
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
	maps.DeleteFunc(k.expires, func(_ uint64, t time.Time) bool {
		if expired(t, now) {
			k.changed = true
			return true
		}
		if !t.IsZero() && (k.first.IsZero() || t.Before(k.first)) {
			k.first = t
		}
		return false
	})
}

// revoked says that the log has something new.
func (k *krls) revoked() {
	k.mu.Lock()
	k.stale = true
	k.mu.Unlock()
}

// The numbers of OpenSSH PROTOCOL.krl.
const (
	krlMagic               = "SSHKRL\n\x00"
	krlFormatVersion       = 1
	krlSectionCertificates = 1
	krlCertSerialList      = 0x20
)

// newKRL encodes a list of serial numbers, in ascending order, for each key, which
// are all different. A serial number is of one certificate in this CA, whichever
// key signed it, so all keys have the same list. It is theirs alone: certificates
// of other CAs may have the same numbers.
func newKRL(keys []ssh.PublicKey, serials []uint64, version uint64) *KRL {
	b := append(make([]byte, 0, 128+len(keys)*(256+8*len(serials))), krlMagic...)
	b = binary.BigEndian.AppendUint32(b, krlFormatVersion)
	b = binary.BigEndian.AppendUint64(b, version)
	b = binary.BigEndian.AppendUint64(b, version/uint64(time.Second)) // generated_date
	b = binary.BigEndian.AppendUint64(b, 0)                           // flags
	b = appendString(b, nil)                                          // reserved
	b = appendString(b, nil)                                          // comment
	if len(serials) > 0 {
		list := make([]byte, 0, 8*len(serials))
		for _, n := range serials {
			list = binary.BigEndian.AppendUint64(list, n)
		}
		for _, key := range keys {
			section := appendString(nil, key.Marshal())
			section = appendString(section, nil) // reserved
			section = appendString(append(section, krlCertSerialList), list)
			b = appendString(append(b, krlSectionCertificates), section)
		}
	}
	sum := sha256.Sum256(b)
	return &KRL{
		Version: version,
		ETag:    `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
		Bytes:   b,
	}
}

// appendString appends a string of RFC 4251 §5.
func appendString(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
