package acmeserver

import (
	"bytes"
	"sync"
)

// What a memo keeps, twice: a thousand octets are an order of one name, and the
// largest order is too large.
const (
	memoSize      = 256
	maxMemoRecord = 16 << 10 // octets
)

// A memo keeps what records were decoded into, because each request of a flow
// reads its account and most read its order. What is kept counts only for the very
// bytes it was decoded from, so that nothing another server wrote is overlooked.
type memo[T any] struct {
	mu       sync.Mutex // guards the rest
	now, old map[string]memoEntry[T]
}

type memoEntry[T any] struct {
	data  []byte
	value *T
}

func newMemo[T any]() *memo[T] { return &memo[T]{now: make(map[string]memoEntry[T])} }

// get returns the value of a record, which nobody may change, or nil.
func (m *memo[T]) get(id string, data []byte) *T {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.now[id]
	if !ok {
		e = m.old[id]
	}
	if !bytes.Equal(e.data, data) {
		return nil
	}
	return e.value
}

// put keeps the value of a record, unless that is large. Nobody may change either
// from now on.
func (m *memo[T]) put(id string, data []byte, value *T) {
	if len(data) > maxMemoRecord {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.now) >= memoSize {
		m.old, m.now = m.now, make(map[string]memoEntry[T])
	}
	m.now[id] = memoEntry[T]{data, value}
}
