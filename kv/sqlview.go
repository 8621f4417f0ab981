package kv

import "context"

// A SQLView is a view that a Relation cannot describe. Its queries read the
// table stepca_records (bucket, id, value).
type SQLView struct {
	Name       string // lower-case letters, digits and '_'
	PostgreSQL string // SELECT for PostgreSQL
	MySQL      string // SELECT for MySQL and MariaDB
}

// A SQLViewer is an engine on a SQL server. Others do not have the method.
type SQLViewer interface {
	// DefineSQLViews creates the views, or brings them up to date, as
	// DefineViews does.
	DefineSQLViews(ctx context.Context, views ...SQLView) error
}
