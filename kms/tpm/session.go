package tpm

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"stepca/kms"
)

// A session is the open TPM during one operation.
type session struct {
	ctx  context.Context
	tpm  transport.TPM
	open []tpm2.TPMHandle // to be flushed
}

// use runs an operation and flushes what it has loaded.
func (e *Engine) use(ctx context.Context, operation func(*session) error) (err error) {
	select {
	case e.busy <- struct{}{}:
		defer func() { <-e.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// What was loaded is flushed even if ctx ends, and the device has to be open for that.
	tpm, err := open(context.WithoutCancel(ctx), e.device)
	if err != nil {
		return err
	}
	s := &session{ctx: ctx, tpm: tpm}
	defer func() { err = errors.Join(err, s.flushAll(), tpm.Close()) }()
	return operation(s)
}

// Send implements transport.TPM. A command that has begun cannot be given up,
// but no other is begun when the context is done.
func (s *session) Send(command []byte) ([]byte, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	return s.tpm.Send(command)
}

// loaded notes that a handle has to be flushed.
func (s *session) loaded(h tpm2.TPMHandle) tpm2.TPMHandle {
	s.open = append(s.open, h)
	return h
}

// flush frees a slot for an object, of which a TPM may have no more than three.
// Persistent objects stay.
func (s *session) flush(h tpm2.TPMHandle) error {
	for i, open := range s.open {
		if open == h {
			s.open = append(s.open[:i], s.open[i+1:]...)
			_, err := tpm2.FlushContext{FlushHandle: h}.Execute(s.tpm)
			return err
		}
	}
	return nil
}

func (s *session) flushAll() error {
	var errs []error
	for len(s.open) > 0 {
		errs = append(errs, s.flush(s.open[len(s.open)-1]))
	}
	return errors.Join(errs...)
}

// storageRootKey is where provisioned machines keep it (TCG TPM 2.0 Provisioning
// Guidance §7.8).
const storageRootKey tpm2.TPMHandle = 0x81000001

// A parent is a storage key.
type parent struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
}

// noAuth is the empty password, which everything of ours has.
func noAuth() tpm2.Session { return tpm2.PasswordAuth(nil) }

func (p parent) auth() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: p.handle, Name: p.name, Auth: noAuth()}
}

// parent returns the storage root key. wanted, if not nil, is the Name of the one
// it has to be.
func (s *session) parent(wanted []byte) (parent, error) {
	if public, err := (tpm2.ReadPublic{ObjectHandle: storageRootKey}).Execute(s); err == nil {
		if isStorageKey(public.OutPublic) && (wanted == nil || bytes.Equal(wanted, public.Name.Buffer)) {
			return parent{storageRootKey, public.Name}, nil
		}
	} else if !errors.Is(err, tpm2.TPMRCHandle) {
		return parent{}, fmt.Errorf("reading the storage root key: %w", err)
	}
	primary, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHOwner, Auth: noAuth()},
		InPublic:      tpm2.New2B(tpm2.ECCSRKTemplate),
	}.Execute(s)
	if errors.Is(err, tpm2.TPMRCAuthFail) || errors.Is(err, tpm2.TPMRCBadAuth) {
		return parent{}, fmt.Errorf("the owner hierarchy of the TPM has a password; whoever knows it has to make a storage root key and keep it at %#x: %w", uint32(storageRootKey), err)
	}
	if err != nil {
		return parent{}, fmt.Errorf("deriving the storage root key, which is not at %#x: %w", uint32(storageRootKey), err)
	}
	s.loaded(primary.ObjectHandle)
	if wanted != nil && !bytes.Equal(wanted, primary.Name.Buffer) {
		return parent{}, fmt.Errorf("the key belongs to another TPM, or the TPM has been cleared since it was made: %w", kms.ErrNotFound)
	}
	return parent{primary.ObjectHandle, primary.Name}, nil
}

// isStorageKey reports whether other keys can be below a key.
func isStorageKey(public tpm2.TPM2BPublic) bool {
	p, err := public.Contents()
	return err == nil && p.ObjectAttributes.Restricted && p.ObjectAttributes.Decrypt && !p.ObjectAttributes.SignEncrypt && p.ObjectAttributes.UserWithAuth
}

// A loadedKey is one of our keys in the TPM.
type loadedKey struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
}

func (k loadedKey) auth() tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: k.handle, Name: k.name, Auth: noAuth()}
}

// load loads a key. Its parent does not stay.
func (s *session) load(r *record) (loadedKey, error) {
	p, err := s.parent(r.Parent)
	if err != nil {
		return loadedKey{}, fmt.Errorf("loading %s: %w", r.key(), err)
	}
	answer, err := tpm2.Load{
		ParentHandle: p.auth(),
		InPrivate:    tpm2.TPM2BPrivate{Buffer: r.Private},
		InPublic:     tpm2.BytesAs2B[tpm2.TPMTPublic](r.Public),
	}.Execute(s)
	if err != nil {
		return loadedKey{}, fmt.Errorf("loading %s: %w", r.key(), err)
	}
	s.loaded(answer.ObjectHandle)
	return loadedKey{answer.ObjectHandle, answer.Name}, s.flush(p.handle)
}
