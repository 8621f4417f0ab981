package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/store"
)

// errNoBinding means that an ACME provisioner does not ask for external account
// bindings.
var errNoBinding = errors.New("ACME EAB not enabled for provisioner")

// externalKeys are the keys for external account binding in the database of a
// server, by the provisioners of its current configuration.
type externalKeys struct {
	server  *Server
	current func() *authority
}

// AddExternalKey makes and stores a key for external account binding at an ACME
// provisioner. The reference ("" for none) is unique there.
func (k *externalKeys) AddExternalKey(ctx context.Context, provisioner, reference string) (*acme.ExternalKey, error) {
	id, err := k.bindingProvisioner(provisioner)
	if err != nil {
		return nil, err
	}
	key, err := acme.NewExternalKey(id, reference, time.Now())
	if err != nil {
		return nil, err
	}
	err = k.server.store.InsertExternalKey(ctx, key)
	if errors.Is(err, store.ErrExists) {
		return nil, fmt.Errorf("an ACME EAB key with reference %q exists already", reference)
	}
	return key, err
}

// ExternalKeys returns a page of the provisioner's keys, newest first, and the
// cursor of the next, which is "" after the last. A limit of 0 is the usual one.
func (k *externalKeys) ExternalKeys(ctx context.Context, provisioner, cursor string, limit int) ([]*acme.ExternalKey, string, error) {
	id, err := k.bindingProvisioner(provisioner)
	if err != nil {
		return nil, "", err
	}
	return k.server.store.ExternalKeys(ctx, id, store.Page{Cursor: cursor, Limit: limit})
}

// RemoveExternalKey deletes a key of the provisioner. An account that was created
// with it stays, and has no policy any more.
func (k *externalKeys) RemoveExternalKey(ctx context.Context, provisioner, id string) error {
	owner, err := k.bindingProvisioner(provisioner)
	if err != nil {
		return err
	}
	key, err := k.server.store.ExternalKey(ctx, id)
	if err == nil && key.Provisioner != owner {
		err = ca.Errorf(ca.ErrNotFound, "external account key not found")
	}
	if err != nil {
		return err
	}
	return k.server.store.DeleteExternalKey(ctx, id)
}

// bindingProvisioner returns the ID of an ACME provisioner that asks for bindings.
func (k *externalKeys) bindingProvisioner(name string) (string, error) {
	if k.server.acme == nil {
		return "", errors.New("no database is configured, which ACME needs: add \"db\" to the configuration")
	}
	p, err := k.current().provisioners.ACME(name)
	if err != nil {
		return "", err
	}
	if !p.RequireEAB {
		return "", fmt.Errorf("%w '%s'", errNoBinding, name)
	}
	return p.Ref().ID, nil
}
