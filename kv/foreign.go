package kv

import "fmt"

// Foreign returns the ErrForeign of an engine that found what (a noun phrase)
// at place (a path, or a database), with the way out.
func Foreign(place, what string) error {
	return fmt.Errorf("%s holds %s; nothing was changed in it; "+
		"this version does not import the databases of others (docs/migrating.md says what that means); "+
		"give this server a dataSource of its own: %w", place, what, ErrForeign)
}
