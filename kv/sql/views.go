package sql

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"stepca/kv"
)

var (
	viewName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	memberName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// A column is a kv.Column that was checked.
type column struct {
	name string
	path []string
}

// DefineViews implements kv.Relational.
func (e *Engine) DefineViews(ctx context.Context, relations ...kv.Relation) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	for _, r := range relations {
		columns, err := check(r)
		if err != nil {
			return err
		}
		if err := e.defineView(ctx, r, columns); err != nil {
			return fmt.Errorf("creating the view %s: %w", r.Name, err)
		}
	}
	return nil
}

// check makes sure that nothing in r can end a name or a string in SQL.
func check(r kv.Relation) ([]column, error) {
	if !viewName.MatchString(r.Name) {
		return nil, fmt.Errorf("%q cannot be the name of a view", r.Name)
	}
	if err := kv.CheckBucket(r.Bucket); err != nil {
		return nil, err
	}
	var columns []column
	for _, c := range r.Columns {
		if !viewName.MatchString(c.Name) || c.Name == "id" || c.Name == "record" || len(c.Path) == 0 {
			return nil, fmt.Errorf("%q cannot be a column of the view %s", c.Name, r.Name)
		}
		for _, member := range c.Path {
			if !memberName.MatchString(member) {
				return nil, fmt.Errorf("%q cannot be a member for the view %s", member, r.Name)
			}
		}
		columns = append(columns, column{c.Name, c.Path})
	}
	return columns, nil
}

// defineView creates the view, or one with other columns in place of it: a
// server may refuse to change the columns of a view.
func (e *Engine) defineView(ctx context.Context, r kv.Relation, columns []column) error {
	return e.createView(ctx, r.Name, e.d.view(r.Name, r.Bucket, columns))
}

// createView is defineView for a statement. Other servers that start do the same.
func (e *Engine) createView(ctx context.Context, name, create string) error {
	var err error
	for r := e.newRetry(); r.next(ctx); {
		if err = e.createViewOnce(ctx, name, create); err == nil || !e.d.creating(err) && !e.again(err) {
			return err
		}
	}
	return busy(ctx, err)
}

func (e *Engine) createViewOnce(ctx context.Context, name, create string) error {
	if _, err := e.db.ExecContext(ctx, create); err == nil {
		return nil
	}
	if _, err := e.db.ExecContext(ctx, "DROP VIEW IF EXISTS "+name); err != nil {
		return err
	}
	_, err := e.db.ExecContext(ctx, create)
	return err
}

func (postgres) view(name, bucket string, columns []column) string {
	const record = "convert_from(value, 'UTF8')::jsonb"
	s := "CREATE OR REPLACE VIEW " + name + " AS SELECT encode(id, 'hex') AS id"
	for _, c := range columns {
		s += fmt.Sprintf(", %s #>> '{%s}' AS \"%s\"", record, strings.Join(c.path, ","), c.name)
	}
	return s + ", " + record + " AS record FROM stepca_records WHERE bucket = '" + bucket + "'"
}

func (mySQL) view(name, bucket string, columns []column) string {
	const record = "CONVERT(value USING utf8mb4)"
	s := "CREATE OR REPLACE VIEW " + name + " AS SELECT LOWER(HEX(id)) AS id"
	for _, c := range columns {
		s += fmt.Sprintf(", JSON_UNQUOTE(JSON_EXTRACT(%s, '$.\"%s\"')) AS `%s`", record, strings.Join(c.path, `"."`), c.name)
	}
	return s + ", " + record + " AS record FROM stepca_records WHERE bucket = '" + bucket + "'"
}
