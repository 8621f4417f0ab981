package store

import (
	"context"
	"encoding/json"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An ACMEExternalKey is the record of a key for external account binding (RFC
// 8555 §7.3.4). Secret is needed to verify a binding and cleared by it.
type ACMEExternalKey struct {
	ID          string          `json:"id"`
	Provisioner string          `json:"provisioner"`         // ID of the provisioner it belongs to
	Reference   string          `json:"reference,omitempty"` // chosen by the operator; unique within the provisioner
	AccountID   string          `json:"accountId,omitempty"` // "" until bound
	Secret      []byte          `json:"secret,omitempty"`    // HMAC key
	CreatedAt   time.Time       `json:"createdAt"`
	BoundAt     time.Time       `json:"boundAt,omitzero"`
	Data        json.RawMessage `json:"data,omitempty"` // policy
}

func (k *ACMEExternalKey) index() index {
	return index{bucketEABByProv, join(provKey(k.Provisioner), appendTime(nil, k.CreatedAt), textKey(k.ID))}
}

func referenceKey(provisioner, reference string) []byte {
	return join(provKey(provisioner), textKey(reference))
}

func errNoExternalKey() error {
	return ca.Errorf(ca.ErrNotFound, "external account key not found")
}

// InsertExternalKey stores a new key. The error is ErrExists if its reference is
// taken.
func (s *Store) InsertExternalKey(ctx context.Context, k *ACMEExternalKey) error {
	key, err := newInsertion(bucketEABKeys, textKey(k.ID), k, k.index())
	if err != nil {
		return err
	}
	return s.update(ctx, nil, func(tx kv.Tx) error {
		if err := key.write(tx); err != nil || k.Reference == "" {
			return err
		}
		return tx.Insert(bucketEABByReference, referenceKey(k.Provisioner, k.Reference), []byte(k.ID))
	})
}

// ExternalKey returns a key by its ID; kind ca.ErrNotFound if there is none.
func (s *Store) ExternalKey(ctx context.Context, id string) (k *ACMEExternalKey, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		k, err = load[ACMEExternalKey](r, bucketEABKeys, textKey(id))
		return err
	})
	if err == nil && k == nil {
		err = errNoExternalKey()
	}
	return k, err
}

// ExternalKeys returns a page of a provisioner's keys, newest first.
func (s *Store) ExternalKeys(ctx context.Context, provisioner string, p Page) (page []*ACMEExternalKey, next string, err error) {
	prefix := provKey(provisioner)
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucketEABByProv, newestFirst(prefix), p, func(e kv.Entry) (*ACMEExternalKey, error) {
			return load[ACMEExternalKey](r, bucketEABKeys, e.Key[len(prefix)+timeLen:])
		})
		return err
	})
	return page, next, err
}

// DeleteExternalKey removes a key. Accounts bound with it stay.
func (s *Store) DeleteExternalKey(ctx context.Context, id string) error {
	return s.update(ctx, nil, func(tx kv.Tx) error {
		k, err := load[ACMEExternalKey](tx, bucketEABKeys, textKey(id))
		if err != nil {
			return err
		}
		if k == nil {
			return errNoExternalKey()
		}
		if k.Reference != "" {
			if err := tx.Delete(bucketEABByReference, referenceKey(k.Provisioner, k.Reference)); err != nil {
				return err
			}
		}
		if err := deleteIndexes(tx, []index{k.index()}); err != nil {
			return err
		}
		return tx.Delete(bucketEABKeys, textKey(id))
	})
}

// bindExternalKey makes a key that of an account, once bind has agreed.
func bindExternalKey(tx kv.Tx, id, accountID string, bind func(*ACMEExternalKey) error) error {
	k, err := load[ACMEExternalKey](tx, bucketEABKeys, textKey(id))
	if err != nil {
		return err
	}
	if k == nil {
		return errNoExternalKey()
	}
	if err := bind(k); err != nil {
		return err
	}
	k.AccountID = accountID
	return put(tx, bucketEABKeys, textKey(id), k)
}
