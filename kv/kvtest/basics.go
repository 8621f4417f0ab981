package kvtest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"stepca/kv"
)

func testGet(t *testing.T, e kv.Engine) {
	view(t, e, func(r kv.Reader) error {
		if v, err := r.Get("b", []byte("k")); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("Get of an empty store = %q, %v, want ErrNotFound", v, err)
		}
		return nil
	})
	put(t, e, "b", "k", "v", "kk", "vv")
	wantValue(t, e, "b", "k", "v")
	wantValue(t, e, "b", "kk", "vv")
	wantValue(t, e, "b", "kkk", absent)
}

func testPut(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "one", "empty", "")
	put(t, e, "b", "k", "two")
	wantValue(t, e, "b", "k", "two")
	wantValue(t, e, "b", "empty", "")

	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	put(t, e, "b", string(all), string(all))
	wantValue(t, e, "b", string(all), string(all))
}

func testDelete(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "v", "l", "w")
	update(t, e, func(tx kv.Tx) error {
		if err := tx.Delete("b", []byte("never there")); err != nil {
			return err
		}
		return tx.Delete("b", []byte("k"))
	})
	wantValue(t, e, "b", "k", absent)
	wantValue(t, e, "b", "l", "w")
	put(t, e, "b", "k", "again")
	wantValue(t, e, "b", "k", "again")
}

func testInsert(t *testing.T, e kv.Engine) {
	insert := func(pairs ...string) error {
		return e.Update(context.Background(), func(tx kv.Tx) error {
			for i := 0; i < len(pairs); i += 2 {
				if err := tx.Insert("b", []byte(pairs[i]), []byte(pairs[i+1])); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := insert("k", "one"); err != nil {
		t.Fatalf("Insert of a new key: %v", err)
	}
	err := insert("a", "other", "k", "two")
	if !errors.Is(err, kv.ErrExists) {
		t.Fatalf("Insert of an existing key = %v, want ErrExists", err)
	}
	if ee, ok := errors.AsType[*kv.ExistsError](err); !ok || ee.Bucket != "b" || string(ee.Key) != "k" {
		t.Errorf("Insert of an existing key = %#v, want an ExistsError of k in b", err)
	}
	wantValue(t, e, "b", "k", "one")
	wantValue(t, e, "b", "a", absent)

	// An Insert after a Delete in the same transaction meets no key, one after
	// a Put does.
	update(t, e, func(tx kv.Tx) error {
		if err := tx.Delete("b", []byte("k")); err != nil {
			return err
		}
		return tx.Insert("b", []byte("k"), []byte("three"))
	})
	wantValue(t, e, "b", "k", "three")
	err = e.Update(context.Background(), func(tx kv.Tx) error {
		if err := tx.Put("b", []byte("new"), nil); err != nil {
			return err
		}
		return tx.Insert("b", []byte("new"), nil)
	})
	if !errors.Is(err, kv.ErrExists) {
		t.Errorf("Insert after Put = %v, want ErrExists", err)
	}
	wantValue(t, e, "b", "new", absent)
}

// testInsertIgnored: an engine may report the conflict from Insert or at
// commit, so a function that ignores the error must get it from Update.
func testInsertIgnored(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "one")
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		_ = tx.Insert("b", []byte("k"), []byte("two"))
		return tx.Put("b", []byte("l"), []byte("v"))
	})
	if !errors.Is(err, kv.ErrExists) {
		t.Errorf("Update that ignored the error of Insert = %v, want ErrExists", err)
	}
	wantValue(t, e, "b", "k", "one")
	wantValue(t, e, "b", "l", absent)
}

func testBuckets(t *testing.T, e kv.Engine) {
	put(t, e, "a", "k", "in a")
	put(t, e, "ab", "k", "in ab")
	put(t, e, "b_2", "k", "in b_2")
	wantValue(t, e, "a", "k", "in a")
	wantValue(t, e, "ab", "k", "in ab")
	wantValue(t, e, "b", "k", absent)
	view(t, e, func(r kv.Reader) error {
		for bucket, want := range map[string]int{"a": 1, "ab": 1, "b": 0, "b_2": 1} {
			got, err := scan(r, bucket, kv.Range{})
			if err != nil || len(got) != want {
				t.Errorf("Scan(%s) = %q, %v, want %d entries", bucket, got, err, want)
			}
		}
		return nil
	})
}

func testReadYourWrites(t *testing.T, e kv.Engine) {
	put(t, e, "b", "k", "old", "gone", "old")
	update(t, e, func(tx kv.Tx) error {
		return errors.Join(
			expect(tx, "b", "k", "old"),
			tx.Put("b", []byte("k"), []byte("new")),
			expect(tx, "b", "k", "new"),
			tx.Delete("b", []byte("gone")),
			expect(tx, "b", "gone", absent),
			tx.Insert("b", []byte("fresh"), []byte("v")),
			expect(tx, "b", "fresh", "v"),
			tx.Put("b", []byte("fresh"), []byte("w")),
			expect(tx, "b", "fresh", "w"),
			tx.Put("b", []byte("brief"), nil),
			tx.Delete("b", []byte("brief")),
			expect(tx, "b", "brief", absent),
		)
	})
	wantValue(t, e, "b", "k", "new")
	wantValue(t, e, "b", "gone", absent)
	wantValue(t, e, "b", "fresh", "w")
	wantValue(t, e, "b", "brief", absent)
}

// testAliasing: an engine copies what it is given before Put returns.
func testAliasing(t *testing.T, e kv.Engine) {
	update(t, e, func(tx kv.Tx) error {
		key, value := []byte("key"), []byte("value")
		if err := tx.Put("b", key, value); err != nil {
			return err
		}
		copy(key, "xxx")
		copy(value, "xxxxx")
		if err := tx.Insert("b", key, value); err != nil {
			return err
		}
		copy(key, "yyy")
		copy(value, "yyyyy")
		return nil
	})
	wantValue(t, e, "b", "key", "value")
	wantValue(t, e, "b", "xxx", "xxxxx")
	// Slices that were returned stay as they are until the transaction ends.
	view(t, e, func(r kv.Reader) error {
		var keys, copies [][]byte
		for en, err := range r.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			keys = append(keys, en.Key, en.Value)
			copies = append(copies, bytes.Clone(en.Key), bytes.Clone(en.Value))
		}
		for i := range keys {
			if !bytes.Equal(keys[i], copies[i]) {
				t.Errorf("returned slice changed from %q to %q", copies[i], keys[i])
			}
		}
		return nil
	})
}
