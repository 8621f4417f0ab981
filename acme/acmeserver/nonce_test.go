package acmeserver

import (
	"testing"
	"time"
)

func TestNonceIsGoodOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	n := newNonces([]byte("key"), false, func() time.Time { return now })
	nonce := n.issue()
	if len(nonce) != 43 {
		t.Errorf("nonce %q, want 43 characters", nonce)
	}
	if id, err := n.redeem(nonce); id != nil || err != nil {
		t.Errorf("redeem = %v, %v", id, err)
	}
	if _, err := n.redeem(nonce); err == nil {
		t.Error("a nonce was redeemed twice")
	}
	if _, err := newNonces([]byte("key of the next start"), false, time.Now).redeem(n.issue()); err == nil {
		t.Error("a nonce from before the start was redeemed")
	}
	for _, bad := range []string{"", "x", nonce + "A", nonce[:42] + "B"} {
		if _, err := n.redeem(bad); err == nil {
			t.Errorf("nonce %q was redeemed", bad)
		}
	}
}

func TestNonceWindow(t *testing.T) {
	t.Parallel()
	n := newNonces([]byte("key"), false, time.Now)
	old := n.issue()
	used := n.issue()
	if _, err := n.redeem(used); err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	n.last += window - 2 // as if so many had been issued
	n.mu.Unlock()
	if _, err := n.redeem(old); err != nil {
		t.Errorf("the oldest nonce of the window: %v", err)
	}
	n.issue()
	if _, err := n.redeem(old); err == nil {
		t.Error("a nonce older than the window was redeemed")
	}
	next := n.issue() // takes the bit of the used one
	if _, err := n.redeem(next); err != nil {
		t.Errorf("a nonce whose bit was used a window ago: %v", err)
	}
}

func TestSharedNonceIsLeftToTheStore(t *testing.T) {
	t.Parallel()
	now := time.Now()
	clock := func() time.Time { return now }
	a, b := newNonces([]byte("key"), true, clock), newNonces([]byte("key"), true, clock)
	nonce := a.issue()
	id, err := b.redeem(nonce)
	if err != nil || id == nil || id.ID != nonce || id.Expires.Before(now) {
		t.Errorf("redeem by another server = %+v, %v", id, err)
	}
	for _, other := range []string{nonce[:9] + "\n" + nonce[9:], "\r" + nonce, nonce + "="} { // each would be a nonce of its own to the store
		if _, err := b.redeem(other); err == nil {
			t.Errorf("%q was redeemed for %q", other, nonce)
		}
	}
	now = now.Add(nonceLifetime + time.Minute)
	if _, err := a.redeem(nonce); err == nil {
		t.Error("an old nonce was redeemed")
	}
}

func FuzzNonce(f *testing.F) {
	n := newNonces([]byte("key"), false, time.Now)
	f.Add(n.issue())
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	other := newNonces([]byte("another key"), false, time.Now)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := other.redeem(s); err == nil {
			t.Errorf("redeemed %q, which was not issued", s)
		}
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(1, 2)
	for range 2 {
		if wait := l.take("a", now); wait != 0 {
			t.Errorf("wait %v within the burst", wait)
		}
	}
	if wait := l.take("a", now); wait != time.Second {
		t.Errorf("wait %v beyond the burst, want 1s", wait)
	}
	if wait := l.take("b", now); wait != 0 {
		t.Errorf("another key waits %v", wait)
	}
	if wait := l.take("a", now.Add(time.Second)); wait != 0 {
		t.Errorf("wait %v after the bucket filled up", wait)
	}
	l.charge("c", now, 5)
	if wait := l.take("c", now); wait != 4*time.Second {
		t.Errorf("wait %v for a bucket of 2 that was charged 5, want 4s", wait)
	}
	for i := range 3 * maxBuckets {
		l.take(string(rune(i)), now)
	}
	if len(l.now)+len(l.old) > 2*maxBuckets {
		t.Errorf("%d buckets, want at most %d", len(l.now)+len(l.old), 2*maxBuckets)
	}
	for i := range 3 {
		l.take("late", now.Add(time.Duration(i+1)*l.refill()))
	}
	if len(l.now)+len(l.old) > 2 {
		t.Errorf("%d buckets are kept after they are full again", len(l.now)+len(l.old))
	}
}
