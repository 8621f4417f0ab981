package kv

import "context"

// A Relation describes a bucket of JSON records to people who query the database
// with SQL: a view called Name, with the key as lower-case hexadecimal "id", the
// members that Columns picks, and the whole value as "record".
type Relation struct {
	Name    string // lower-case letters, digits and '_'
	Bucket  string
	Columns []Column
}

// A Column is one member of the records, as text; NULL where it is missing.
type Column struct {
	Name string   // lower-case letters, digits and '_'
	Path []string // names of members from the outside in; letters, digits, '_' and '-'
}

// A Relational engine can show buckets as views of a SQL database. Others do not
// have the method.
type Relational interface {
	// DefineViews creates the views, or brings them up to date. A view that is
	// in the way is replaced, a table is not.
	DefineViews(ctx context.Context, relations ...Relation) error
}
