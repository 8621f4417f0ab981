package txn

import (
	"cmp"
	"iter"

	"github.com/RaduBerinde/btreemap"

	"stepca/kv"
)

// A Write is one pending change.
type Write struct {
	Bucket string
	Key    []byte
	Value  []byte
	Delete bool // the key goes; Value is nil
}

// Writes are pending changes in the order of bucket and key, the last one of
// each key. The zero value is empty. Not safe for concurrent use.
type Writes struct {
	tree *btreemap.BTreeMap[string, Write] // by flat key; nil until the first write
	size int
}

// treeDegree suits trees of a handful up to some thousand entries.
const treeDegree = 16

// Set adds w, in place of an earlier write of its key. It keeps w's slices.
func (ws *Writes) Set(w Write) {
	ws.set(string(AppendFlat(nil, w.Bucket, w.Key)), w)
}

func (ws *Writes) set(flat string, w Write) {
	if ws.tree == nil {
		ws.tree = btreemap.New[string, Write](treeDegree, cmp.Compare[string])
	}
	ws.size += len(flat) + len(w.Value)
	if _, old, replaced := ws.tree.ReplaceOrInsert(flat, w); replaced {
		ws.size -= len(flat) + len(old.Value)
	}
}

// Get returns the pending write of key, if there is one.
func (ws *Writes) Get(bucket string, key []byte) (Write, bool) {
	if ws.Len() == 0 {
		return Write{}, false
	}
	_, w, ok := ws.tree.Get(string(AppendFlat(nil, bucket, key)))
	return w, ok
}

// Len returns the number of keys written.
func (ws *Writes) Len() int {
	if ws.tree == nil {
		return 0
	}
	return ws.tree.Len()
}

// Size returns the bytes of all keys and values.
func (ws *Writes) Size() int { return ws.size }

// Merge adds all of later, which must not be used afterwards.
func (ws *Writes) Merge(later *Writes) {
	if ws.Len() == 0 {
		*ws = *later
		return
	}
	if later.Len() == 0 {
		return
	}
	for flat, w := range later.Flat() {
		ws.set(flat, w)
	}
}

// All yields the writes in order of bucket and key.
func (ws *Writes) All() iter.Seq[Write] {
	return func(yield func(Write) bool) {
		for _, w := range ws.Flat() {
			if !yield(w) {
				return
			}
		}
	}
}

// Flat is All, each with its flat key.
func (ws *Writes) Flat() iter.Seq2[string, Write] {
	if ws.tree == nil {
		return func(func(string, Write) bool) {}
	}
	return ws.tree.Ascend(btreemap.Min[string](), btreemap.Max[string]())
}

// within yields the writes in r as they are now, even if ws changes meanwhile.
// ok is false if there are none.
func (ws *Writes) within(bucket string, r kv.Range) (_ iter.Seq2[string, Write], ok bool) {
	if ws.Len() == 0 {
		return nil, false
	}
	lower, upper := FlatRange(bucket, r)
	found := false
	for range ws.tree.Ascend(btreemap.GE(string(lower)), btreemap.LT(string(upper))) {
		found = true
		break
	}
	if !found {
		return nil, false
	}
	frozen := ws.tree.Clone()
	if r.Reverse {
		return frozen.Descend(btreemap.LT(string(upper)), btreemap.GE(string(lower))), true
	}
	return frozen.Ascend(btreemap.GE(string(lower)), btreemap.LT(string(upper))), true
}
