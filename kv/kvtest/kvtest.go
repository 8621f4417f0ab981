// Package kvtest is the conformance suite of package kv: every engine runs it,
// and what it checks is what the rest of the server may rely on.
package kvtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"stepca/kv"
)

// Open opens the store in dir, an empty directory of the test's own at first.
// An engine that keeps its data elsewhere derives a place from dir, so that the
// same dir leads to the same data. The suite closes what it opens.
type Open func(t testing.TB, dir string) kv.Engine

// Options say what an engine does not promise.
type Options struct {
	// Volatile engines forget everything when closed.
	Volatile bool
}

// Run runs the suite against the engine that open opens.
func Run(t *testing.T, open Open, opts Options) {
	tests := []struct {
		name string
		f    func(*testing.T, kv.Engine)
	}{
		{"Get", testGet},
		{"Put", testPut},
		{"Delete", testDelete},
		{"Insert", testInsert},
		{"InsertIgnored", testInsertIgnored},
		{"Buckets", testBuckets},
		{"Scan", testScan},
		{"ScanBreak", testScanBreak},
		{"ScanOwnWrites", testScanOwnWrites},
		{"ScanWhileWriting", testScanWhileWriting},
		{"ScanMany", testScanMany},
		{"Limits", testLimits},
		{"Largest", testLargest},
		{"Names", testNames},
		{"Aliasing", testAliasing},
		{"ReadYourWrites", testReadYourWrites},
		{"Rollback", testRollback},
		{"Panic", testPanic},
		{"Ended", testEnded},
		{"Snapshot", testSnapshot},
		{"Cancel", testCancel},
		{"CancelScan", testCancelScan},
		{"Counter", testCounter},
		{"InsertOnce", testInsertOnce},
		{"WriteSkewPresent", testWriteSkewPresent},
		{"WriteSkewAbsent", testWriteSkewAbsent},
		{"ScannedKeyChanges", testScannedKeyChanges},
		{"FailuresAmongSuccesses", testFailuresAmongSuccesses},
		{"ViewsAreWhole", testViewsAreWhole},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := open(t, t.TempDir())
			defer closeEngine(t, e)
			test.f(t, e)
		})
	}
	t.Run("Close", func(t *testing.T) { t.Parallel(); testClose(t, open(t, t.TempDir())) })
	t.Run("CloseWaits", func(t *testing.T) { t.Parallel(); testCloseWaits(t, open(t, t.TempDir())) })
	if !opts.Volatile {
		t.Run("Restart", func(t *testing.T) { t.Parallel(); testRestart(t, open) })
	}
}

func closeEngine(t testing.TB, e kv.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
}

func update(t testing.TB, e kv.Engine, f func(kv.Tx) error) {
	t.Helper()
	if err := e.Update(context.Background(), f); err != nil {
		t.Fatalf("Update() = %v", err)
	}
}

func view(t testing.TB, e kv.Engine, f func(kv.Reader) error) {
	t.Helper()
	if err := e.View(context.Background(), f); err != nil {
		t.Fatalf("View() = %v", err)
	}
}

// put stores the pairs key, value, key, value …
func put(t testing.TB, e kv.Engine, bucket string, pairs ...string) {
	t.Helper()
	update(t, e, func(tx kv.Tx) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := tx.Put(bucket, []byte(pairs[i]), []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
}

// absent is what get returns for a key that is not there.
const absent = "(absent)"

func get(r kv.Reader, bucket, key string) (string, error) {
	v, err := r.Get(bucket, []byte(key))
	if errors.Is(err, kv.ErrNotFound) {
		return absent, nil
	}
	return string(v), err
}

// wantValue fails the test unless key has the value want, or is absent.
func wantValue(t testing.TB, e kv.Engine, bucket, key, want string) {
	t.Helper()
	view(t, e, func(r kv.Reader) error { return expect(r, bucket, key, want) })
}

func expect(r kv.Reader, bucket, key, want string) error {
	got, err := get(r, bucket, key)
	if err == nil && got != want {
		err = fmt.Errorf("Get(%s, %q) = %q, want %q", bucket, key, got, want)
	}
	return err
}

// scan returns the keys in r, joined with their values as key=value.
func scan(reader kv.Reader, bucket string, r kv.Range) ([]string, error) {
	var got []string
	for e, err := range reader.Scan(bucket, r) {
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprintf("%s=%s", e.Key, e.Value))
	}
	return got, nil
}
