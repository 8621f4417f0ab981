package tpm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
	"stepca/kms"
)

// akBits is the size of RSA attestation keys.
const akBits = 2048

// CreateKey makes a key in the TPM: with ak=true an attestation key, and else a
// signing key, which attest-by joins to an attestation key. An attestation key
// is RSA unless spec says otherwise.
//
// Compatible: servers of the reference believe RSA attestation keys only.
func (e *Engine) CreateKey(ctx context.Context, uri string, spec keyfile.KeySpec) (kms.Key, error) {
	k, err := parseName(uri)
	if err != nil {
		return kms.Key{}, err
	}
	if k.role == attestation && spec == (keyfile.KeySpec{}) {
		spec = keyfile.KeySpec{Type: keyfile.RSA, Size: akBits}
	}
	r, err := e.create(ctx, k, spec)
	if err != nil {
		return kms.Key{}, err
	}
	public, err := r.public()
	if err != nil {
		return kms.Key{}, err
	}
	return kms.Key{URI: k.uri(), Public: public}, nil
}

func (e *Engine) create(ctx context.Context, k keyName, spec keyfile.KeySpec) (*record, error) {
	template, err := newTemplate(k.role, spec)
	if err != nil {
		return nil, err
	}
	// The store decides, but a refusal should come before the work.
	if e.store.has(k) {
		return nil, e.store.exists(k)
	}
	r := &record{Version: recordVersion, Role: k.role, Name: k.name, AttestBy: k.ak, Created: time.Now().UTC().Truncate(time.Second)}
	if err := e.use(ctx, func(s *session) error { return s.create(r, template) }); err != nil {
		return nil, fmt.Errorf("making %s: %w", k, err)
	}
	return r, e.store.create(r)
}

// create has the TPM make a key for the record.
func (s *session) create(r *record, template *tpm2.TPMTPublic) error {
	parameters := tpm2.TPMTPublicParms{Type: template.Type, Parameters: template.Parameters}
	if _, err := (tpm2.TestParms{Parameters: parameters}).Execute(s); err != nil {
		if _, ok := errors.AsType[tpm2.TPMRC](err); ok {
			return fmt.Errorf("the kind of key %w by this TPM: %w", kms.ErrUnsupported, err)
		}
		return err
	}
	p, err := s.parent(nil)
	if err != nil {
		return err
	}
	answer, err := tpm2.Create{ParentHandle: p.auth(), InPublic: tpm2.New2B(*template)}.Execute(s)
	if err != nil {
		return err
	}
	if err := s.flush(p.handle); err != nil {
		return err
	}
	r.Parent, r.Public, r.Private = p.name.Buffer, answer.OutPublic.Bytes(), answer.OutPrivate.Buffer
	if r.Role != attestation {
		return nil
	}
	r.Creation, err = s.certifyCreation(r, answer)
	return err
}

// certifyCreation has an attestation key say how it was made itself.
func (s *session) certifyCreation(r *record, created *tpm2.CreateResponse) (*creationRecord, error) {
	ak, err := s.load(r)
	if err != nil {
		return nil, err
	}
	scheme, err := akScheme(r)
	if err != nil {
		return nil, err
	}
	answer, err := tpm2.CertifyCreation{
		SignHandle:     ak.auth(),
		ObjectHandle:   tpm2.NamedHandle{Handle: ak.handle, Name: ak.name},
		CreationHash:   created.CreationHash,
		InScheme:       scheme,
		CreationTicket: created.CreationTicket,
	}.Execute(s)
	if err != nil {
		return nil, fmt.Errorf("certifying its creation: %w", err)
	}
	return &creationRecord{
		Data:        created.CreationData.Bytes(),
		Attestation: answer.CertifyInfo.Bytes(),
		Signature:   tpm2.Marshal(answer.Signature),
	}, s.flush(ak.handle)
}
