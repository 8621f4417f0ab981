package sql

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"

	"stepca/kv"
	"stepca/kv/txn"
)

// A transaction is one try of an Update.
type transaction struct {
	reader
	db *sql.DB
	tx *sql.Tx // nil until the first statement

	found   map[string]int64    // version of each key that was read, by flat key; 0 if absent
	inserts map[string]struct{} // flat keys that Insert was told, of which found knows nothing
}

func newTransaction(ctx context.Context, db *sql.DB, d dialect) *transaction {
	t := &transaction{db: db, found: map[string]int64{}, inserts: map[string]struct{}{}}
	t.reader = reader{ctx: ctx, d: d, begin: t.begin, seen: t.saw}
	return t
}

// begin starts the SQL transaction with the first statement.
func (t *transaction) begin() (*sql.Tx, error) {
	if t.tx == nil {
		tx, err := t.db.BeginTx(t.ctx, &sql.TxOptions{Isolation: t.d.isolation()})
		if err != nil {
			return nil, err
		}
		t.tx = tx
	}
	return t.tx, nil
}

func (t *transaction) rollback() {
	if t.tx != nil {
		_ = t.tx.Rollback() // does nothing after a commit
	}
}

func flat(k key) string { return string(txn.AppendFlat(nil, k.bucket, k.id)) }

func keyOf(flat string) key {
	bucket, id, _ := txn.SplitFlat([]byte(flat))
	return key{bucket, id}
}

func (t *transaction) saw(k key, version int64) { t.found[flat(k)] = version }

// insert answers kv.Tx.Insert from what was read, or leaves it to the commit.
func (t *transaction) insert(bucket string, id []byte) error {
	k := flat(key{bucket, id})
	switch version, known := t.found[k]; {
	case !known:
		t.inserts[k] = struct{}{}
		return nil
	case version == 0:
		return nil
	default:
		return &kv.ExistsError{Bucket: bucket, Key: slices.Clone(id)}
	}
}

// newVersion returns a number that no other write has.
func newVersion() int64 { return 1 + rand.Int64N(1<<62) }

// A plan is what a commit has to do. Each list is sorted.
type plan struct {
	lock   []key // read and written: must have the version that was read
	hold   []key // read only: must have it, too
	insert []row // absent when read, or to be inserted: must be absent
	upsert []row
	remove []key // deleted, or inserted only to see that they are absent
}

// plan sorts what was read and written.
func (t *transaction) plan(ws *txn.Writes) plan {
	var p plan
	if ws.Len() == 0 {
		return p // a snapshot needs no guard: the Update took place when it was made
	}
	all := map[string]struct{}{}
	for k := range t.found {
		all[k] = struct{}{}
	}
	for k := range t.inserts {
		all[k] = struct{}{}
	}
	for k := range ws.Flat() {
		all[k] = struct{}{}
	}
	for _, f := range sorted(all) {
		k := keyOf(f)
		w, written := ws.Get(k.bucket, k.id)
		version, read := t.found[f]
		_, inserted := t.inserts[f]
		present := read && version != 0
		switch {
		case present && written:
			p.lock = append(p.lock, k)
		case present:
			p.hold = append(p.hold, k)
		}
		absent := inserted || read && version == 0
		switch {
		case written && !w.Delete && absent:
			p.insert = append(p.insert, row{k, w.Value, newVersion()})
		case written && !w.Delete:
			p.upsert = append(p.upsert, row{k, w.Value, newVersion()})
		case absent:
			p.insert = append(p.insert, row{k, []byte{}, newVersion()})
			p.remove = append(p.remove, k)
		case written:
			p.remove = append(p.remove, k)
		}
	}
	return p
}

func sorted(set map[string]struct{}) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// commit makes the writes durable, or returns an error that says what became of
// them.
func (t *transaction) commit(ws *txn.Writes) error {
	p := t.plan(ws)
	if len(p.insert)+len(p.upsert)+len(p.remove) == 0 {
		return nil
	}
	if done, err := t.commitSingle(p); done {
		return err
	}
	if _, err := t.begin(); err != nil {
		return fmt.Errorf("writing to the database: %w", err)
	}
	if err := t.write(p); err != nil {
		return t.explain(err)
	}
	if err := t.tx.Commit(); err != nil {
		return t.commitError(err)
	}
	return nil
}

// commitSingle spares BEGIN and COMMIT if nothing was read and one statement
// does it all.
func (t *transaction) commitSingle(p plan) (done bool, err error) {
	var s statement
	switch {
	case t.tx != nil || len(p.insert)+len(p.upsert)+len(p.remove) > maxStatementKeys:
		return false, nil
	case len(p.upsert)+len(p.remove) == 0 && rowsLen(p.insert) <= maxStatementLen:
		s = t.d.insert(p.insert)
	case len(p.insert)+len(p.remove) == 0 && rowsLen(p.upsert) <= maxStatementLen:
		s = t.d.upsert(p.upsert)
	default:
		return false, nil
	}
	if _, err := t.db.ExecContext(t.ctx, s.query, s.args...); err != nil {
		if t.d.duplicate(err) {
			return true, t.explain(err)
		}
		return true, t.commitError(err)
	}
	return true, nil
}

func rowsLen(rows []row) int {
	n := 0
	for _, r := range rows {
		n += r.size()
	}
	return n
}

// write runs the statements of p.
func (t *transaction) write(p plan) error {
	if err := t.verify(p.lock, t.d.lock); err != nil {
		return err
	}
	if err := t.verify(p.hold, t.d.hold); err != nil {
		return err
	}
	if t.d.holdNeedsWrite() {
		if err := chunks(p.hold, key.size, func(keys []key) error { return t.exec(t.d.touch(keys)) }); err != nil {
			return err
		}
	}
	if err := chunks(p.insert, row.size, func(rows []row) error { return t.exec(t.d.insert(rows)) }); err != nil {
		return err
	}
	if err := chunks(p.upsert, row.size, func(rows []row) error { return t.exec(t.d.upsert(rows)) }); err != nil {
		return err
	}
	return chunks(p.remove, key.size, func(keys []key) error { return t.exec(t.d.remove(keys)) })
}

func (t *transaction) exec(s statement) error {
	_, err := t.tx.ExecContext(t.ctx, s.query, s.args...)
	return err
}

// verify locks keys and compares their versions with what was read.
func (t *transaction) verify(keys []key, lock func([]key) statement) error {
	return chunks(keys, key.size, func(keys []key) error {
		s := lock(keys)
		rows, err := t.tx.QueryContext(t.ctx, s.query, s.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		same := 0
		for rows.Next() {
			var k key
			var version int64
			if err := rows.Scan(&k.bucket, &k.id, &version); err != nil {
				return err
			}
			if version == t.found[flat(k)] {
				same++
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if same != len(keys) {
			return errChanged
		}
		return nil
	})
}
