package store

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv"
)

func TestTimesSortInKeys(t *testing.T) {
	t.Parallel()
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) // RFC 5280 §4.1.2.5: no end
	ascending := [][]byte{
		appendTime(nil, time.Time{}),
		appendTime(nil, time.Unix(1, 0)),
		appendTime(nil, time.Unix(1<<32, 0)),
		appendExpiry(nil, far),
		appendExpiry(nil, time.Time{}),
	}
	for i := 1; i < len(ascending); i++ {
		if bytes.Compare(ascending[i-1], ascending[i]) >= 0 {
			t.Errorf("key %d is not before key %d: %x, %x", i-1, i, ascending[i-1], ascending[i])
		}
	}
	if got := keyTime(appendExpiry(nil, far)); !got.Equal(far) {
		t.Errorf("time from its key: %v, want %v", got, far)
	}
	if got := keyTime(appendExpiry(nil, time.Time{})); !got.IsZero() {
		t.Errorf("no end from its key: %v, want zero", got)
	}
}

func TestNoNameIsAPrefixOfAnother(t *testing.T) {
	t.Parallel()
	names := []ca.Identifier{
		{Type: ca.DNS, Value: ""}, {Type: ca.DNS, Value: "a"}, {Type: ca.DNS, Value: "ab"}, {Type: ca.DNS, Value: "a\x00b"},
		{Type: ca.DNS, Value: strings.Repeat("a", 300)}, {Type: ca.DNS, Value: strings.Repeat("a", 5000)},
		{Type: ca.OtherName, Value: "\xff"}, {Type: ca.Email, Value: "a"},
	}
	for i, a := range names {
		if n := len(nameKey(a)) + timeLen + maxSerialLen; n > kv.MaxKeyLen {
			t.Errorf("key of a name of %d characters has %d octets", len(a.Value), n)
		}
		for j, b := range names {
			if i != j && bytes.HasPrefix(nameKey(a), nameKey(b)) {
				t.Errorf("key of %q begins with that of %q", a, b)
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("", false)
	f.Add("AAAA", true)
	f.Add("!", false)
	f.Fuzz(func(t *testing.T, cursor string, reverse bool) {
		from, to := []byte{1}, []byte{9}
		rng, err := Page{Cursor: cursor}.rng(kv.Range{From: from, To: to, Reverse: reverse})
		if err != nil {
			return
		}
		if bytes.Compare(rng.From, from) < 0 || bytes.Compare(rng.To, to) > 0 || len(rng.From) > kv.MaxKeyLen {
			t.Errorf("cursor %q leaves the range: %x to %x", cursor, rng.From, rng.To)
		}
	})
}
