// Package kv is the contract of the database under the CA: ordered maps from
// bytes to bytes in named buckets, with transactions. Each engine lives in a
// folder of its own (kv/pebble, kv/badger, kv/bolt, kv/sql, kv/mem) and passes
// the same suite, kv/kvtest. What the records mean is package store's business;
// nothing else talks to an engine.
//
// # The contract
//
// View reads one snapshot. Update is atomic, and durable when it returns nil.
// In an Update:
//
//   - a key that was read (present or absent) is unchanged by others at commit;
//   - two Inserts of one key never both commit;
//   - the same goes for each entry that a scan yielded, but not for keys that
//     others add to its range meanwhile: no invariant may rest on a scan being
//     complete;
//   - all reads see one state of the data, and the transaction's own writes; a
//     scan sees those made before its first entry;
//   - the function may run more than once, so it has no effect but through tx
//     and starts from scratch each time. It runs in the goroutine of the
//     caller, so a panic in it is the caller's, and commits nothing. It starts
//     no other transaction, which could wait for itself.
//
// View and Update see only data that is durable, or, in an Update of an embedded
// engine, that will be so before the Update returns.
//
// That much, and no more, holds alike for a B+tree, an LSM tree, and SQL over
// several servers.
package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Limits of every engine, enforced by each so that data can move between them.
const (
	MaxBucketLen = 64      // bytes of a bucket name; lower-case letters, digits and '_'
	MaxKeyLen    = 512     // bytes of a key; a key is never empty
	MaxValueLen  = 4 << 20 // bytes of a value; a value may be empty

	MaxUpdateLen  = 6 << 20 // bytes of all keys and values that one Update writes
	MaxUpdateKeys = 50_000  // keys that one Update writes
)

// Errors that callers decide upon, found with errors.Is.
var (
	ErrNotFound = errors.New("not found")          // Get: the key is not there
	ErrExists   = errors.New("already exists")     // Update: an Insert met an existing key
	ErrClosed   = errors.New("store is closed")    // the engine was closed
	ErrReadOnly = errors.New("store is read-only") // writing in a View, or a store that failed and stopped writing
	ErrTooLarge = errors.New("too large for the store")

	// ErrBusy: an Update was tried again and again, and others kept changing
	// what it read or wrote, or the database server could not be reached.
	ErrBusy = errors.New("store is busy")

	// ErrInDoubt: the commit may or may not have happened, as when the context
	// ended or the connection broke in the middle of it.
	ErrInDoubt = errors.New("the outcome of the commit is unknown")

	// ErrForeign: the directory or database holds a store that the reference
	// implementation (or something else) wrote. Nothing was changed in it.
	ErrForeign = errors.New("not a store of this server")
)

// An ExistsError says which key an Insert met; it is ErrExists.
type ExistsError struct {
	Bucket string
	Key    []byte
}

// Error implements error.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("key %x in %s already exists", e.Key, e.Bucket)
}

// Is reports whether target is ErrExists.
func (e *ExistsError) Is(target error) bool { return target == ErrExists }

// An Engine keeps the buckets. All methods are safe for concurrent use.
type Engine interface {
	// View calls f with one snapshot of the data.
	View(ctx context.Context, f func(Reader) error) error

	// Update runs f and commits what it wrote, all or nothing, or returns the
	// error of f unchanged. When ctx ends while the commit is under way the
	// outcome may be unknown; the error is then ErrInDoubt. After a failed write
	// or sync an embedded engine answers ErrReadOnly until it is opened again.
	Update(ctx context.Context, f func(Tx) error) error

	// Close waits for the transactions under way, refuses new ones with
	// ErrClosed, and releases the store.
	Close() error
}

// A Reader reads one state of the data. Returned slices belong to the caller
// until the transaction ends and must not be modified.
type Reader interface {
	// Get returns the value of key, or ErrNotFound.
	Get(bucket string, key []byte) ([]byte, error)

	// Scan yields the entries of a range in key order. A failure is yielded
	// once, as the error of the last element.
	Scan(bucket string, r Range) iter.Seq2[Entry, error]
}

// A Tx reads and writes. Reads see the transaction's own writes.
type Tx interface {
	Reader

	// Put sets key to value.
	Put(bucket string, key, value []byte) error

	// Insert sets a key that must not exist. If it does, the Update returns an
	// *ExistsError: at once from Insert, or when it commits.
	Insert(bucket string, key, value []byte) error

	// Delete removes key; removing an absent key is no error.
	Delete(bucket string, key []byte) error
}

// An Entry is a key with its value.
type Entry struct {
	Key, Value []byte
}

// A Range selects keys From ≤ key < To in byte order. A nil From starts at the
// first key, a nil To ends after the last. Limit 0 means no limit. Reverse
// yields the highest key first.
type Range struct {
	From, To []byte
	Limit    int
	Reverse  bool
}

// Prefix is the range of all keys that begin with p.
func Prefix(p []byte) Range { return Range{From: p, To: PrefixEnd(p)} }

// PrefixEnd returns the first key after all keys that begin with p, or nil if
// there is none (p is empty or all 0xff).
func PrefixEnd(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			end := append([]byte(nil), p[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
