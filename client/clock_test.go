package client_test

import (
	"sync"
	"time"
)

// A movableClock is the real clock and an offset.
type movableClock struct {
	mu     sync.Mutex // guards offset
	offset time.Duration
}

func (c *movableClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *movableClock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}
