package sql

import (
	"database/sql"
)

// A dialect is what one kind of server needs. Its statements work on the table
// stepca_records, its rows and keys are sorted, and few enough for one statement.
type dialect interface {
	// isolation is the level at which all reads of a transaction see one state.
	isolation() sql.IsolationLevel

	get(k key) statement                  // → value, version
	page(bucket string, p page) statement // → id, value, version

	lock(keys []key) statement // → bucket, id, version; for rows to be written
	hold(keys []key) statement // → bucket, id, version; keeps rows from being written

	// holdNeedsWrite says that hold does not keep other servers from writing, so
	// that touch must do it.
	holdNeedsWrite() bool
	touch(keys []key) statement

	insert(rows []row) statement // fails if a row exists
	upsert(rows []row) statement
	remove(keys []key) statement

	duplicate(err error) bool    // insert met a row
	conflict(err error) bool     // rolled back for another transaction's sake
	disconnected(err error) bool // no connection, and nothing was done
	undecided(err error) bool    // no connection any more; what was sent may have been done
	creating(err error) bool     // another server creates, or has just created, what this one wanted to

	schema() schema
	view(name, bucket string, columns []column) string // CREATE OR REPLACE VIEW
}

// A statement is a query with its arguments.
type statement struct {
	query string
	args  []any
}

// A key names a row, a row is a key with its new contents.
type (
	key struct {
		bucket string
		id     []byte
	}
	row struct {
		key
		value   []byte
		version int64
	}
)

// A page is a part of a range. From is included, or not if After is set.
type page struct {
	from, to []byte
	after    bool // the first key is the one behind from, or below to if reverse
	limit    int
	reverse  bool
}

// What one statement may contain, for servers limit the parameters (65,535) and
// the size (16 MB in MariaDB, in which bytes may need two each) of a statement.
const (
	maxStatementKeys = 1000
	maxStatementLen  = 1 << 20 // bytes of keys and values; a single row may exceed it
)

// chunks calls f with as much of rows as one statement may contain, until all
// were handled or f fails.
func chunks[T any](rows []T, size func(T) int, f func([]T) error) error {
	for len(rows) > 0 {
		n, total := 0, 0
		for n < len(rows) && n < maxStatementKeys {
			total += size(rows[n])
			if n > 0 && total > maxStatementLen {
				break
			}
			n++
		}
		if err := f(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (k key) size() int { return len(k.bucket) + len(k.id) }
func (r row) size() int { return r.key.size() + len(r.value) }
