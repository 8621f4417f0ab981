package kvtest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"stepca/kv"
)

func testLimits(t *testing.T, e kv.Engine) {
	bucket := strings.Repeat("b", kv.MaxBucketLen)
	key := bytes.Repeat([]byte{0xff}, kv.MaxKeyLen)
	value := bytes.Repeat([]byte("0123456789abcdef"), kv.MaxValueLen/16)
	update(t, e, func(tx kv.Tx) error { return tx.Put(bucket, key, value) })
	view(t, e, func(r kv.Reader) error {
		got, err := r.Get(bucket, key)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("largest value: Get returned %d bytes, %v", len(got), err)
		}
		n := 0
		for en, err := range r.Scan(bucket, kv.Prefix(key)) {
			if err != nil || !bytes.Equal(en.Key, key) || !bytes.Equal(en.Value, value) {
				t.Errorf("largest value: Scan yielded %d bytes, %v", len(en.Value), err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("Scan of the largest key yielded %d entries", n)
		}
		return nil
	})

	tooLong := append(bytes.Clone(key), 1)
	tooLarge := append(bytes.Clone(value), 1)
	for _, test := range []struct {
		name string
		f    func(kv.Tx) error
	}{
		{"bucket", func(tx kv.Tx) error { return tx.Put(bucket+"b", key, nil) }},
		{"key of Put", func(tx kv.Tx) error { return tx.Put("b", tooLong, nil) }},
		{"key of Insert", func(tx kv.Tx) error { return tx.Insert("b", tooLong, nil) }},
		{"key of Delete", func(tx kv.Tx) error { return tx.Delete("b", tooLong) }},
		{"key of Get", func(tx kv.Tx) error { _, err := tx.Get("b", tooLong); return err }},
		{"value of Put", func(tx kv.Tx) error { return tx.Put("b", key, tooLarge) }},
		{"value of Insert", func(tx kv.Tx) error { return tx.Insert("b", key, tooLarge) }},
	} {
		if err := e.Update(context.Background(), test.f); !errors.Is(err, kv.ErrTooLarge) {
			t.Errorf("too large %s: Update() = %v, want ErrTooLarge", test.name, err)
		}
	}
	wantValue(t, e, "b", string(key), absent)

	err := e.Update(context.Background(), func(tx kv.Tx) error {
		return errors.Join(tx.Put("b", []byte("1"), value), tx.Put("b", []byte("2"), value))
	})
	if !errors.Is(err, kv.ErrTooLarge) {
		t.Errorf("an Update of %d bytes = %v, want ErrTooLarge", 2*len(value), err)
	}
	n := 0
	err = e.Update(context.Background(), func(tx kv.Tx) (err error) {
		for n = 0; n <= kv.MaxUpdateKeys && err == nil; n++ {
			err = tx.Put("b", []byte{byte(n >> 16), byte(n >> 8), byte(n)}, nil)
		}
		return err
	})
	if !errors.Is(err, kv.ErrTooLarge) || n <= kv.MaxUpdateKeys {
		t.Errorf("an Update of %d keys = %v, want ErrTooLarge from key %d on", n, err, kv.MaxUpdateKeys+1)
	}
	wantValue(t, e, "b", "1", absent)
	wantValue(t, e, "b", "\x00\x00\x01", absent)
}

// testLargest: the largest Update that is allowed works.
func testLargest(t *testing.T, e kv.Engine) {
	const valueLen = 100
	keys := kv.MaxUpdateKeys
	value := bytes.Repeat([]byte("v"), valueLen)
	update(t, e, func(tx kv.Tx) error {
		for n := range keys {
			if err := tx.Put("b", []byte{byte(n >> 16), byte(n >> 8), byte(n)}, value); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, e, func(r kv.Reader) error {
		n := 0
		for en, err := range r.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			if len(en.Value) != valueLen {
				t.Fatalf("value %d has %d bytes", n, len(en.Value))
			}
			n++
		}
		if n != keys {
			t.Errorf("%d keys of the largest Update, want %d", n, keys)
		}
		return nil
	})
}

func testNames(t *testing.T, e kv.Engine) {
	for _, bucket := range []string{"", "B", "a-b", "a b", "a\x00", "é", `a"`, "a'"} {
		err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Put(bucket, []byte("k"), nil) })
		if err == nil {
			t.Errorf("Put into bucket %q succeeded", bucket)
		}
		err = e.View(context.Background(), func(r kv.Reader) error { _, err := scan(r, bucket, kv.Range{}); return err })
		if err == nil {
			t.Errorf("Scan of bucket %q succeeded", bucket)
		}
	}
	for _, key := range [][]byte{nil, {}} {
		if err := e.Update(context.Background(), func(tx kv.Tx) error { return tx.Put("b", key, nil) }); err == nil {
			t.Error("Put with an empty key succeeded")
		}
	}
}
