package store

import (
	"context"
	"encoding/json"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
)

// An ACMEAccount is the record of an account (RFC 8555 §7.1.2), which package
// acme keeps in Data.
type ACMEAccount struct {
	ID          string          `json:"id"`
	Provisioner string          `json:"provisioner"` // ID of the provisioner it belongs to
	Thumbprint  string          `json:"thumbprint"`  // of its key, RFC 7638, base64url; unique within the provisioner
	CreatedAt   time.Time       `json:"createdAt"`
	Data        json.RawMessage `json:"data"` // the last member: see envelope
}

func (a *ACMEAccount) content() *json.RawMessage { return &a.Data }

func (a *ACMEAccount) readMember(r *plainjson.Reader, name []byte) {
	switch string(name) {
	case "id":
		a.ID = r.String()
	case "provisioner":
		a.Provisioner = r.String()
	case "thumbprint":
		a.Thumbprint = r.String()
	case "createdAt":
		a.CreatedAt = readTime(r)
	default:
		r.Fail()
	}
}

func (a *ACMEAccount) writeMembers(w *plainjson.Writer) {
	w.Grow(usualMembers + len(a.Data))
	w.Text("id", a.ID)
	w.Text("provisioner", a.Provisioner)
	w.Text("thumbprint", a.Thumbprint)
	w.Time("createdAt", a.CreatedAt)
	w.JSON("data", a.Data)
}

func accountKey(provisioner, thumbprint string) []byte {
	return join(provKey(provisioner), textKey(thumbprint))
}

// InsertAccount stores a new account, uses the nonce, and binds the external
// account key that authorized it (eabKeyID; "" for none): bind sees that record
// as it is and may refuse. The error is ErrExists if the key has an account with
// this provisioner.
func (s *Store) InsertAccount(ctx context.Context, a *ACMEAccount, nonce *ca.OneTimeID, eabKeyID string, bind func(*ACMEExternalKey) error) error {
	account, err := newInsertion(bucketAccounts, textKey(a.ID), a)
	if err != nil {
		return err
	}
	return s.update(ctx, nonce, func(tx kv.Tx) error {
		if eabKeyID != "" {
			if err := bindExternalKey(tx, eabKeyID, a.ID, bind); err != nil {
				return err
			}
		}
		if err := account.write(tx); err != nil {
			return err
		}
		return tx.Insert(bucketAccountsByKey, accountKey(a.Provisioner, a.Thumbprint), []byte(a.ID))
	})
}

func errNoAccount() error { return ca.Errorf(ca.ErrNotFound, "account not found") }

// Account returns an account by its ID; kind ca.ErrNotFound if there is none.
func (s *Store) Account(ctx context.Context, id string) (a *ACMEAccount, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		a, err = load[ACMEAccount](r, bucketAccounts, textKey(id))
		return err
	})
	if err == nil && a == nil {
		err = errNoAccount()
	}
	return a, err
}

// AccountByKey returns the account of a key with a provisioner; kind
// ca.ErrNotFound if there is none.
func (s *Store) AccountByKey(ctx context.Context, provisioner, thumbprint string) (a *ACMEAccount, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		a = nil
		id, err := lookup(r, bucketAccountsByKey, accountKey(provisioner, thumbprint))
		if id == nil || err != nil {
			return err
		}
		a, err = load[ACMEAccount](r, bucketAccounts, textKey(string(id)))
		return err
	})
	if err == nil && a == nil {
		err = errNoAccount()
	}
	return a, err
}

// UpdateAccount changes the Data and the Thumbprint of an account and uses the
// nonce: apply sees it as it is and may refuse; it may run more than once. The
// error is ErrExists if a new key has an account already. It returns the account
// as stored.
func (s *Store) UpdateAccount(ctx context.Context, id string, nonce *ca.OneTimeID, apply func(*ACMEAccount) error) (*ACMEAccount, error) {
	var a ACMEAccount
	err := s.update(ctx, nonce, func(tx kv.Tx) error {
		old, err := load[ACMEAccount](tx, bucketAccounts, textKey(id))
		if err != nil {
			return err
		}
		if old == nil {
			return errNoAccount()
		}
		a = *old
		if err := apply(&a); err != nil {
			return err
		}
		a.ID, a.Provisioner, a.CreatedAt = old.ID, old.Provisioner, old.CreatedAt
		if a.Thumbprint != old.Thumbprint {
			if err := moveAccountKey(tx, old, &a); err != nil {
				return err
			}
		}
		return put(tx, bucketAccounts, textKey(id), &a)
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

func moveAccountKey(tx kv.Tx, from, to *ACMEAccount) error {
	if err := tx.Delete(bucketAccountsByKey, accountKey(from.Provisioner, from.Thumbprint)); err != nil {
		return err
	}
	return tx.Insert(bucketAccountsByKey, accountKey(to.Provisioner, to.Thumbprint), []byte(to.ID))
}
