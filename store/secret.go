package store

import (
	"context"
	"crypto/rand"
	"errors"

	"stepca/kv"
)

// SharedSecret returns the random octets that are kept under a name, and makes
// them if there are none: a secret of all servers of a database.
func (s *Store) SharedSecret(ctx context.Context, name string, size int) ([]byte, error) {
	fresh := make([]byte, size)
	rand.Read(fresh)
	var secret []byte
	err := s.engine.Update(ctx, func(tx kv.Tx) error {
		old, err := lookup(tx, bucketSecrets, textKey(name))
		if err != nil {
			return err
		}
		if secret = old; old != nil {
			return nil
		}
		secret = fresh
		return tx.Insert(bucketSecrets, textKey(name), fresh)
	})
	if errors.Is(err, kv.ErrExists) { // another server was faster
		err = s.engine.View(ctx, func(r kv.Reader) error {
			secret, err = lookup(r, bucketSecrets, textKey(name))
			return err
		})
	}
	return append([]byte(nil), secret...), err
}
