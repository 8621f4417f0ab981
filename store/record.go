package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
)

// lookup returns the value of key, or nil if there is none.
func lookup(r kv.Reader, bucket string, key []byte) ([]byte, error) {
	v, err := r.Get(bucket, key)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if v == nil && err == nil {
		v = []byte{}
	}
	return v, err
}

// load returns the record under key, or nil if there is none.
func load[T any](r kv.Reader, bucket string, key []byte) (*T, error) {
	v, err := lookup(r, bucket, key)
	if v == nil || err != nil {
		return nil, err
	}
	return decode[T](bucket, key, v)
}

func decode[T any](bucket string, key, value []byte) (*T, error) {
	rec := new(T)
	if err := unmarshal(value, rec); err != nil {
		return nil, fmt.Errorf("record %x in %s: %w", key, bucket, err)
	}
	return rec, nil
}

// An envelope is a record that holds what another package encoded, in its last
// member, "data". Of its other members, readMember reads one.
type envelope interface {
	content() *json.RawMessage
	readMember(r *plainjson.Reader, name []byte)
}

// unmarshal decodes a record. The content of an envelope, most of it, is taken as
// it is: whoever understands it is going to parse it.
func unmarshal[T any](value []byte, rec *T) error {
	e, ok := any(rec).(envelope)
	if !ok {
		return json.Unmarshal(value, rec)
	}
	head, content, ok := openEnvelope(value)
	if !ok {
		return json.Unmarshal(value, rec)
	}
	r := plainjson.NewReader(head)
	for name := range r.Members() {
		e.readMember(r, name)
	}
	if !r.Done() {
		*rec = *new(T)
		if err := json.Unmarshal(head, rec); err != nil {
			return err
		}
	}
	*e.content() = content
	return nil
}

// readTime reads a time as this package writes it.
func readTime(r *plainjson.Reader) time.Time {
	var t time.Time
	if err := t.UnmarshalText(r.Text()); err != nil {
		r.Fail()
	}
	return t
}

// openEnvelope splits the JSON of an envelope as encode writes it. The bytes
// that introduce the last member occur nowhere before it, since quotation marks in
// strings are escaped.
func openEnvelope(value []byte) (head []byte, content json.RawMessage, ok bool) {
	head, content, ok = bytes.Cut(value, []byte(`,"data":`))
	if !ok || !bytes.HasSuffix(content, []byte("}")) {
		return nil, nil, false
	}
	return append(bytes.Clone(head), '}'), bytes.Clone(content[:len(content)-1]), true
}

// A writable is a record of those that are written most: it writes its members
// itself, to the same JSON as encoding/json does in twice the time.
type writable interface {
	writeMembers(*plainjson.Writer)
}

// usualMembers is about what the members of a record take, but for its longest.
const usualMembers = 640

// encode returns the JSON of a record. Records are plain structs, which always
// have one.
func encode(rec any) ([]byte, error) {
	writable, ok := rec.(writable)
	if !ok {
		return json.Marshal(rec)
	}
	w := new(plainjson.Writer)
	w.Open('{')
	writable.writeMembers(w)
	w.Close('}')
	return w.Done()
}

// writeIdentifier writes a name.
func writeIdentifier(w *plainjson.Writer, id ca.Identifier) {
	w.Open('{')
	w.Text("type", string(id.Type))
	w.Text("value", id.Value)
	w.Close('}')
}

// writeProvisioner writes who vouched, unless nobody did.
func writeProvisioner(w *plainjson.Writer, ref ca.ProvisionerRef) {
	if ref == (ca.ProvisionerRef{}) {
		return
	}
	w.Name("provisioner")
	w.Open('{')
	w.Text("id", ref.ID)
	w.Text("name", ref.Name)
	w.Text("type", ref.Type)
	w.Close('}')
}

// put replaces the record under key.
func put(tx kv.Tx, bucket string, key []byte, rec any) error {
	v, err := encode(rec)
	if err != nil {
		return err
	}
	return tx.Put(bucket, key, v)
}

// An index is a key in a bucket, without a value.
type index struct {
	bucket string
	key    []byte
}

func putIndexes(tx kv.Tx, list []index) error {
	for _, ix := range list {
		if err := tx.Put(ix.bucket, ix.key, nil); err != nil {
			return err
		}
	}
	return nil
}

func deleteIndexes(tx kv.Tx, list []index) error {
	for _, ix := range list {
		if err := tx.Delete(ix.bucket, ix.key); err != nil {
			return err
		}
	}
	return nil
}

// An insertion is a new record with its index entries, encoded before the
// transaction that writes it: engines run transactions one after another.
type insertion struct {
	bucket  string
	key     []byte
	value   []byte
	indexes []index
}

func newInsertion(bucket string, key []byte, rec any, indexes ...index) (*insertion, error) {
	value, err := encode(rec)
	if err != nil {
		return nil, err
	}
	return &insertion{bucket, key, value, indexes}, nil
}

// write inserts the record; nil writes nothing. If the key exists, the Update
// fails with an ExistsError.
func (in *insertion) write(tx kv.Tx) error {
	if in == nil {
		return nil
	}
	if err := tx.Insert(in.bucket, in.key, in.value); err != nil {
		return err
	}
	return putIndexes(tx, in.indexes)
}

// writeAll inserts one after the other.
func writeAll(tx kv.Tx, list ...*insertion) error {
	for _, in := range list {
		if err := in.write(tx); err != nil {
			return err
		}
	}
	return nil
}

// conflict translates the failure of an Insert: byBucket says what it means for
// each bucket.
func conflict(err error, byBucket map[string]error) error {
	var exists *kv.ExistsError
	if errors.As(err, &exists) {
		if e, ok := byBucket[exists.Bucket]; ok {
			return e
		}
	}
	return err
}
