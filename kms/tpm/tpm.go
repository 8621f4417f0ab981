package tpm

import (
	"context"
	"fmt"
	"strconv"

	"stepca/kms"
)

// DefaultDirectory is where the files of keys are if nobody says: relative to
// the working directory. Compatible: so it is in the reference.
const DefaultDirectory = "tpm"

// An Engine uses one TPM, and one directory with keys of it.
type Engine struct {
	device string // "" is what the system has
	store  store

	attestationCA *attestationCA // nil if the URI names none

	// busy is held during an operation: one at a time is all a TPM can do.
	busy chan struct{}
}

// refused are attributes for what this engine does not do.
var refused = []string{
	"permanent-identifier", "enable-cng", "store", "store-location", "intermediate-store", "intermediate-store-location",
	"tss2", "path", "key-id", "sha1", "serial", "issuer", "qualifying-data",
}

// Open returns the engine. c.URI may have the attributes device,
// storage-directory, attestation-ca-url, attestation-ca-root,
// attestation-ca-insecure, disable-early-renewal and renewal-percentage. The
// device is not opened before it is needed.
func Open(ctx context.Context, c kms.Config) (kms.Engine, error) {
	e := &Engine{store: store{c.StorageDirectory}, busy: make(chan struct{}, 1)}
	if c.URI != "" {
		uri, err := kms.ParseURI(c.URI)
		if err != nil {
			return nil, err
		}
		if err := supported(uri); err != nil {
			return nil, err
		}
		e.device = uri.Get("device")
		if dir := uri.Get("storage-directory"); dir != "" {
			e.store.dir = dir
		}
		if e.attestationCA, err = newAttestationCA(uri); err != nil {
			return nil, err
		}
	}
	if e.store.dir == "" {
		e.store.dir = DefaultDirectory
	}
	return e, ctx.Err()
}

// supported refuses attributes that we would have to ignore.
func supported(uri *kms.URI) error {
	for _, name := range refused {
		if uri.Has(name) {
			return fmt.Errorf("%s: attribute %s %w", uri, name, kms.ErrUnsupported)
		}
	}
	return nil
}

// percentage is the value of an attribute from 1 to 100.
func percentage(uri *kms.URI, name string, otherwise int) (int, error) {
	if !uri.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(uri.Get(name))
	if err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("%s: %s is a number from 1 to 100", uri, name)
	}
	return n, nil
}

// Close does nothing: between operations nothing is open.
func (e *Engine) Close() error { return nil }
