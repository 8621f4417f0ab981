package txn

import (
	"cmp"
	"iter"
	"slices"
	"strings"

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
	few  []flatWrite                       // in order; all writes while there are at most maxFew
	tree *btreemap.BTreeMap[string, Write] // by flat key; all writes once there were more
	size int
}

// A flatWrite is a Write with its flat key.
type flatWrite struct {
	flat string
	Write
}

// maxFew is up to how many writes are kept in a slice, which takes less time and
// memory than a tree. Most transactions write no more than usualFew keys.
const (
	maxFew   = 32
	usualFew = 8
)

// treeDegree suits trees of a handful up to some thousand entries.
const treeDegree = 16

// Set adds w, in place of an earlier write of its key. It keeps w's slices.
func (ws *Writes) Set(w Write) {
	ws.set(flatString(w.Bucket, w.Key), w)
}

func (ws *Writes) set(flat string, w Write) {
	ws.size += len(flat) + len(w.Value)
	if old, replaced := ws.replaceOrInsert(flat, w); replaced {
		ws.size -= len(flat) + len(old.Value)
	}
}

func (ws *Writes) replaceOrInsert(flat string, w Write) (old Write, replaced bool) {
	if ws.tree == nil {
		i, found := ws.search(flat)
		if found {
			old, ws.few[i].Write = ws.few[i].Write, w
			return old, true
		}
		if ws.few == nil {
			ws.few = make([]flatWrite, 0, usualFew)
		}
		if len(ws.few) < maxFew {
			ws.few = slices.Insert(ws.few, i, flatWrite{flat, w})
			return old, false
		}
		ws.plant()
	}
	_, old, replaced = ws.tree.ReplaceOrInsert(flat, w)
	return old, replaced
}

// search returns the place of a key among the few.
func (ws *Writes) search(flat string) (int, bool) {
	return slices.BinarySearchFunc(ws.few, flat, func(w flatWrite, flat string) int { return strings.Compare(w.flat, flat) })
}

// plant moves the few into a tree.
func (ws *Writes) plant() {
	ws.tree = btreemap.New[string, Write](treeDegree, cmp.Compare[string])
	for _, w := range ws.few {
		ws.tree.ReplaceOrInsert(w.flat, w.Write)
	}
	ws.few = nil
}

// Get returns the pending write of key, if there is one.
func (ws *Writes) Get(bucket string, key []byte) (Write, bool) {
	if ws.Len() == 0 {
		return Write{}, false
	}
	flat := flatString(bucket, key)
	if ws.tree == nil {
		i, found := ws.search(flat)
		if !found {
			return Write{}, false
		}
		return ws.few[i].Write, true
	}
	_, w, ok := ws.tree.Get(flat)
	return w, ok
}

// Len returns the number of keys written.
func (ws *Writes) Len() int {
	if ws.tree == nil {
		return len(ws.few)
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
		return pairs(ws.few, false)
	}
	return ws.tree.Ascend(btreemap.Min[string](), btreemap.Max[string]())
}

// pairs yields the writes of a slice.
func pairs(few []flatWrite, reverse bool) iter.Seq2[string, Write] {
	return func(yield func(string, Write) bool) {
		for i := range few {
			if reverse {
				i = len(few) - 1 - i
			}
			if !yield(few[i].flat, few[i].Write) {
				return
			}
		}
	}
}

// within yields the writes in r as they are now, even if ws changes meanwhile.
// ok is false if there are none.
func (ws *Writes) within(bucket string, r kv.Range) (_ iter.Seq2[string, Write], ok bool) {
	if ws.Len() == 0 {
		return nil, false
	}
	lower, upper := FlatRange(bucket, r)
	if ws.tree == nil {
		from, _ := ws.search(string(lower))
		to, _ := ws.search(string(upper))
		if from >= to {
			return nil, false
		}
		return pairs(slices.Clone(ws.few[from:to]), r.Reverse), true
	}
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
