package kvtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stepca/kv"
)

func testScan(t *testing.T, e kv.Engine) {
	put(t, e, "a", "z", "1")
	put(t, e, "b", "a", "1", "aa", "2", "ab", "3", "b", "4", "\x00", "0", "\xff", "5", "\xff\xff", "6")
	put(t, e, "c", "a", "1")
	bytesOf := func(s string) []byte { return []byte(s) }
	tests := []struct {
		name string
		r    kv.Range
		want string
	}{
		{"all", kv.Range{}, "\x00=0 a=1 aa=2 ab=3 b=4 \xff=5 \xff\xff=6"},
		{"all, reverse", kv.Range{Reverse: true}, "\xff\xff=6 \xff=5 b=4 ab=3 aa=2 a=1 \x00=0"},
		{"from is included", kv.Range{From: bytesOf("aa")}, "aa=2 ab=3 b=4 \xff=5 \xff\xff=6"},
		{"to is excluded", kv.Range{To: bytesOf("ab")}, "\x00=0 a=1 aa=2"},
		{"to is excluded, reverse", kv.Range{To: bytesOf("ab"), Reverse: true}, "aa=2 a=1 \x00=0"},
		{"bounds that are no keys", kv.Range{From: bytesOf("a\x00"), To: bytesOf("az")}, "aa=2 ab=3"},
		{"limit", kv.Range{From: bytesOf("a"), Limit: 2}, "a=1 aa=2"},
		{"limit, reverse", kv.Range{To: bytesOf("b"), Limit: 2, Reverse: true}, "ab=3 aa=2"},
		{"limit beyond the end", kv.Range{From: bytesOf("b"), Limit: 99}, "b=4 \xff=5 \xff\xff=6"},
		{"prefix", kv.Prefix(bytesOf("a")), "a=1 aa=2 ab=3"},
		{"prefix without end", kv.Prefix(bytesOf("\xff")), "\xff=5 \xff\xff=6"},
		{"empty prefix", kv.Prefix(nil), "\x00=0 a=1 aa=2 ab=3 b=4 \xff=5 \xff\xff=6"},
		{"empty range", kv.Range{From: bytesOf("b"), To: bytesOf("b")}, ""},
		{"upside down", kv.Range{From: bytesOf("b"), To: bytesOf("a")}, ""},
		{"empty To", kv.Range{To: []byte{}}, ""},
		{"long bounds", kv.Range{From: bytesOf(strings.Repeat("a", 2*kv.MaxKeyLen)), To: bytesOf(strings.Repeat("b", 2*kv.MaxKeyLen))}, "ab=3 b=4"},
	}
	for _, test := range tests {
		check := func(kind string, r kv.Reader) {
			got, err := scan(r, "b", test.r)
			if err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("%s: Scan in %s = %q, %v, want %q", test.name, kind, got, err, test.want)
			}
		}
		view(t, e, func(r kv.Reader) error { check("View", r); return nil })
		update(t, e, func(tx kv.Tx) error { check("Update", tx); return nil })
	}
}

func testScanBreak(t *testing.T, e kv.Engine) {
	put(t, e, "b", "a", "1", "b", "2", "c", "3")
	view(t, e, func(r kv.Reader) error {
		seq := r.Scan("b", kv.Range{})
		for range 2 { // a sequence may be used twice, and left early
			for e, err := range seq {
				if err != nil || string(e.Key) != "a" {
					t.Errorf("first entry = %q, %v", e.Key, err)
				}
				break
			}
		}
		// Other reads, and another scan, are possible during a scan.
		for e, err := range seq {
			if err != nil {
				return err
			}
			if err := expect(r, "b", string(e.Key), string(e.Value)); err != nil {
				return err
			}
			if got, err := scan(r, "b", kv.Range{}); err != nil || len(got) != 3 {
				t.Errorf("inner Scan = %q, %v", got, err)
			}
		}
		return nil
	})
}

func testScanOwnWrites(t *testing.T, e kv.Engine) {
	put(t, e, "b", "a", "1", "c", "3", "e", "5", "g", "7")
	update(t, e, func(tx kv.Tx) error {
		err := errors.Join(
			tx.Put("b", []byte("c"), []byte("three")),
			tx.Delete("b", []byte("e")),
			tx.Insert("b", []byte("d"), []byte("4")),
			tx.Put("b", []byte("h"), []byte("8")),
			tx.Put("b", []byte("A"), []byte("0")),
			tx.Put("c", []byte("b"), []byte("other bucket")),
		)
		if err != nil {
			return err
		}
		for _, test := range []struct {
			r    kv.Range
			want string
		}{
			{kv.Range{}, "A=0 a=1 c=three d=4 g=7 h=8"},
			{kv.Range{Reverse: true}, "h=8 g=7 d=4 c=three a=1 A=0"},
			{kv.Range{From: []byte("c"), To: []byte("h")}, "c=three d=4 g=7"},
			{kv.Range{From: []byte("d"), Limit: 2}, "d=4 g=7"},
			{kv.Range{To: []byte("g"), Limit: 1, Reverse: true}, "d=4"},
			{kv.Range{From: []byte("e"), Limit: 1}, "g=7"},
		} {
			got, err := scan(tx, "b", test.r)
			if err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("Scan(%+v) = %q, %v, want %q", test.r, got, err, test.want)
			}
		}
		return nil
	})
}

// testScanWhileWriting deletes and adds entries in the loop that lists them, as
// retention does.
func testScanWhileWriting(t *testing.T, e kv.Engine) {
	put(t, e, "b", "a", "1", "b", "2", "c", "3", "d", "4")
	update(t, e, func(tx kv.Tx) error {
		if err := tx.Put("b", []byte("bb"), []byte("own")); err != nil {
			return err
		}
		n := 0
		for en, err := range tx.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			n++
			if err := tx.Delete("b", en.Key); err != nil {
				return err
			}
			if err := tx.Put("moved", en.Key, en.Value); err != nil {
				return err
			}
		}
		if n != 5 {
			t.Errorf("scan with deletes in its loop yielded %d entries, want 5", n)
		}
		return nil
	})
	view(t, e, func(r kv.Reader) error {
		if got, err := scan(r, "b", kv.Range{}); err != nil || len(got) != 0 {
			t.Errorf("after deleting all: %q, %v", got, err)
		}
		got, err := scan(r, "moved", kv.Range{})
		if want := "a=1 b=2 bb=own c=3 d=4"; err != nil || strings.Join(got, " ") != want {
			t.Errorf("moved = %q, %v, want %q", got, err, want)
		}
		return nil
	})
}

// testScanMany crosses any page or block boundary an engine may have.
func testScanMany(t *testing.T, e kv.Engine) {
	const n = 2500
	var pairs, want []string
	for i := range n {
		k := fmt.Sprintf("%06d", i*7919%n)
		pairs = append(pairs, k, "value of "+k)
		want = append(want, fmt.Sprintf("%06d=value of %06d", i, i))
	}
	put(t, e, "b", pairs...)
	view(t, e, func(r kv.Reader) error {
		got, err := scan(r, "b", kv.Range{})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("forward scan: %d entries, %v, want %d in order", len(got), err, n)
		}
		got, err = scan(r, "b", kv.Range{Reverse: true, Limit: n - 1})
		slices.Reverse(got)
		if err != nil || !slices.Equal(got, want[1:]) {
			t.Errorf("reverse scan: %d entries, %v, want %d in order", len(got), err, n-1)
		}
		return nil
	})
}
