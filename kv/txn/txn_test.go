package txn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"stepca/kv"
	"stepca/kv/mem"
	"stepca/kv/txn"
)

func TestFlatKeepsOrder(t *testing.T) {
	t.Parallel()
	type pair struct{ bucket, key string }
	pairs := []pair{ // in order of bucket, then key
		{"a", "\x00"}, {"a", "a"}, {"a", "\xff\xff"}, {"a0", "\x00"}, {"a_", "\x00"}, {"aa", "\x01"}, {"b", "\x00\x00"},
	}
	var last []byte
	for _, p := range pairs {
		flat := txn.AppendFlat(nil, p.bucket, []byte(p.key))
		if bytes.Compare(last, flat) >= 0 {
			t.Errorf("%q in %s is not behind the one before", p.key, p.bucket)
		}
		last = flat
		bucket, key, ok := txn.SplitFlat(flat)
		if !ok || bucket != p.bucket || string(key) != p.key {
			t.Errorf("SplitFlat(AppendFlat(%s, %q)) = %s, %q, %v", p.bucket, p.key, bucket, key, ok)
		}
		lower, upper := txn.FlatRange(p.bucket, kv.Range{})
		if bytes.Compare(lower, flat) > 0 || bytes.Compare(flat, upper) >= 0 {
			t.Errorf("%q is not in the range of all of %s", flat, p.bucket)
		}
	}
}

// FuzzOver compares reading through pending writes with reading after they were
// applied. Each step of the program is two bytes: what to do, and the key.
func FuzzOver(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 2, 1}, byte(0), byte(9), true)
	f.Add([]byte("put and delete and put"), byte('a'), byte('z'), false)
	f.Add([]byte{0, 5, 0, 6, 0, 7, 3, 5, 3, 6, 4, 9, 5, 7}, byte(5), byte(7), true)
	var many []byte // as many keys as are kept in a tree
	for i := range 100 {
		many = append(many, byte(3+i%7), byte(i*37))
	}
	f.Add(many, byte(40), byte(200), false)
	f.Add(many[:60], byte(40), byte(200), true)
	f.Fuzz(func(t *testing.T, program []byte, from, to byte, reverse bool) {
		ctx := context.Background()
		lower, applied := mem.New(), mem.New()
		var pending txn.Writes
		for i := 0; i+1 < len(program); i += 2 {
			key := []byte{program[i+1]}
			value := fmt.Append(nil, i)
			op := func(tx kv.Tx) error { return tx.Put("b", key, value) }
			w := txn.Write{Bucket: "b", Key: key, Value: value}
			if program[i]%2 == 1 {
				op = func(tx kv.Tx) error { return tx.Delete("b", key) }
				w = txn.Write{Bucket: "b", Key: key, Delete: true}
			}
			if err := applied.Update(ctx, op); err != nil {
				t.Fatal(err)
			}
			if program[i]%6 < 3 && pending.Len() == 0 {
				if err := lower.Update(ctx, op); err != nil {
					t.Fatal(err)
				}
			} else {
				pending.Set(w)
			}
		}
		for _, r := range []kv.Range{
			{Reverse: reverse}, {From: []byte{from}, To: []byte{to}, Reverse: reverse}, {From: []byte{from}, Reverse: reverse}, {To: []byte{to}, Reverse: reverse},
		} {
			want := scan(t, applied, r, func(r kv.Reader) kv.Reader { return r })
			got := scan(t, lower, r, func(r kv.Reader) kv.Reader { return txn.Over(&pending, r) })
			if !slices.Equal(got, want) {
				t.Errorf("Scan(%+v) over pending writes = %q, want %q", r, got, want)
			}
		}
	})
}

func scan(t *testing.T, e kv.Engine, r kv.Range, wrap func(kv.Reader) kv.Reader) (all []string) {
	t.Helper()
	err := e.View(context.Background(), func(reader kv.Reader) error {
		for e, err := range wrap(reader).Scan("b", r) {
			if err != nil {
				return err
			}
			all = append(all, fmt.Sprintf("%x=%s", e.Key, e.Value))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGate(t *testing.T) {
	t.Parallel()
	var g txn.Gate
	if err := g.Enter(); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	for range 2 {
		go func() { done <- g.Close() }()
	}
	for g.Enter() == nil { // until one of them has closed it
		g.Leave()
	}
	if err := g.Enter(); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Enter after Close = %v, want ErrClosed", err)
	}
	select {
	case <-done:
		t.Fatal("Close returned while someone was inside")
	default:
	}
	g.Leave()
	if a, b := <-done, <-done; a == b {
		t.Errorf("Close returned %v and %v, want true for one of them", a, b)
	}
}
