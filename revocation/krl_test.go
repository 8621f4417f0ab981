package revocation_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

// serialNumbers are those that the list says are revoked.
func serialNumbers(krl *revocation.KRL, among ...uint64) (found []uint64) {
	for _, n := range among {
		var wire [8]byte
		for i := range wire {
			wire[i] = byte(n >> (56 - 8*i))
		}
		if bytes.Contains(krl.Bytes, wire[:]) {
			found = append(found, n)
		}
	}
	return found
}

// TestKRLFollows checks that the list has what other servers revoke, and no more
// what has expired.
func TestKRLFollows(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	engine := mem.New()
	db, other := store.New(engine, store.Options{Now: clock}), store.New(engine, store.Options{Now: clock})
	key, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := revocation.New(revocation.Config{Store: db, Now: clock, Settings: revocation.Settings{SSHUserKeys: []ssh.PublicKey{key}}})
	if err != nil {
		t.Fatal(err)
	}
	const short, endless, late = 0x1111222233334444, 0x5555666677778888, 0x9999aaaabbbbcccc
	if err := other.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: []*store.SSHCertificate{
		{Serial: short, Type: ca.SSHUser, ValidBefore: now.Add(time.Hour)},
	}}); err != nil {
		t.Fatal(err)
	}
	revoke := func(serial uint64) {
		t.Helper()
		if err := other.SSHRevoke(t.Context(), &ca.Revocation{Serial: strconv.FormatUint(serial, 10)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	list := func(want ...uint64) *revocation.KRL {
		t.Helper()
		krl, err := s.KRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := serialNumbers(krl, short, endless, late)
		if len(got) != len(want) {
			t.Errorf("the list has %x, want %x", got, want)
		}
		return krl
	}
	first := list()
	revoke(short)
	revoke(endless)
	if again := list(); again != first {
		t.Error("the log was read twice within a second")
	}
	now = now.Add(2 * time.Second)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.KRL(gone); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a requester who is gone: %v", err)
	}
	second := list(short, endless)
	if second.ETag == first.ETag || second.Version <= first.Version {
		t.Errorf("version %d with ETag %s, before %d with %s", second.Version, second.ETag, first.Version, first.ETag)
	}
	now = now.Add(30 * time.Minute)
	if again := list(short, endless); again != second {
		t.Error("the list was made again without need")
	}
	revoke(late)
	now = now.Add(35 * time.Minute)
	list(short, endless, late) // expired, but not by a slow clock
	now = now.Add(time.Hour)
	list(endless, late)

	if err := s.Reload(revocation.Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.KRL(t.Context()); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("without an SSH CA: %v", err)
	}
}
