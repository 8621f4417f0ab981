package acmeserver

import (
	"sync"
	"time"
)

// A limiter counts events by key in token buckets. A bucket that was left alone
// until it must be full again is forgotten, as those seen least lately are when
// there are too many.
type limiter struct {
	rate, burst float64 // tokens a second, and at most

	mu       sync.Mutex // guards the rest
	now, old map[string]bucket
	turned   time.Time // when now became empty
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate, burst float64) *limiter {
	return &limiter{rate: rate, burst: burst, now: make(map[string]bucket)}
}

// take takes one token, or returns how long it takes until there is one.
func (l *limiter) take(key string, at time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.refilled(key, at)
	if wait := l.wait(b); wait > 0 {
		return wait
	}
	b.tokens--
	l.put(key, b)
	return 0
}

// charge takes further tokens, which need not be there: the next take waits for them.
func (l *limiter) charge(key string, at time.Time, tokens int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.refilled(key, at)
	b.tokens -= float64(tokens)
	l.put(key, b)
}

// empty returns how long to wait until there is a token, without taking it.
func (l *limiter) empty(key string, at time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait(l.refilled(key, at))
}

// wait returns how long it takes until a bucket has a token.
func (l *limiter) wait(b bucket) time.Duration {
	return time.Duration(max(0, 1-b.tokens) / l.rate * float64(time.Second))
}

func (l *limiter) refilled(key string, at time.Time) bucket {
	b, ok := l.now[key]
	if !ok {
		b, ok = l.old[key]
	}
	if !ok {
		return bucket{l.burst, at}
	}
	b.tokens = min(l.burst, b.tokens+l.rate*max(at.Sub(b.at).Seconds(), 0))
	b.at = at
	return b
}

// refill is how long an empty bucket takes to be full.
func (l *limiter) refill() time.Duration {
	return time.Duration(l.burst / l.rate * float64(time.Second))
}

func (l *limiter) put(key string, b bucket) {
	if len(l.now) >= maxBuckets || b.at.Sub(l.turned) >= l.refill() {
		l.old, l.now, l.turned = l.now, make(map[string]bucket), b.at
	}
	l.now[key] = b
}
