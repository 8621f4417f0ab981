package sql

import (
	"context"
	"fmt"

	"stepca/kv"
)

// DefineSQLViews implements kv.SQLViewer.
func (e *Engine) DefineSQLViews(ctx context.Context, views ...kv.SQLView) error {
	if err := e.gate.Enter(); err != nil {
		return err
	}
	defer e.gate.Leave()
	for _, v := range views {
		if !viewName.MatchString(v.Name) {
			return fmt.Errorf("%q cannot be the name of a view", v.Name)
		}
		query := v.MySQL
		if _, ok := e.d.(postgres); ok {
			query = v.PostgreSQL
		}
		if err := e.createView(ctx, v.Name, "CREATE OR REPLACE VIEW "+v.Name+" AS "+query); err != nil {
			return fmt.Errorf("creating the view %s: %w", v.Name, err)
		}
	}
	return nil
}
