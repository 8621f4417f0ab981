package tpm

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-tpm/tpm2"

	"stepca/kms"
)

// An akSigner is an attestation key. It signs what it has seen only, and nothing
// that begins like a statement of the TPM.
type akSigner struct{ *signer }

var errDigest = errors.New("an attestation key signs no digests, only whole messages: requests for its certificate")

func (s *akSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errDigest }

func (s *akSigner) SignContext(ctx context.Context, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, errDigest
}

// maxBuffer is how many bytes a TPM takes at a time, at least.
const maxBuffer = 1024

// SignMessage implements crypto.MessageSigner.
func (s *akSigner) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("signing with an attestation key and %s %w; it signs with SHA-256", opts.HashFunc(), kms.ErrUnsupported)
	}
	scheme, err := akScheme(s.record)
	if err != nil {
		return nil, err
	}
	var signature tpm2.TPMTSignature
	err = s.engine.use(context.Background(), func(t *session) error {
		digest, ticket, err := t.hash(message)
		if err != nil {
			return err
		}
		key, err := t.load(s.record)
		if err != nil {
			return err
		}
		signature, err = t.sign(key, digest, scheme, ticket)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rawSignature(&signature)
}

// hash has the TPM hash a message, and returns the ticket that says so.
func (s *session) hash(message []byte) ([]byte, tpm2.TPMTTKHashCheck, error) {
	fail := func(err error) ([]byte, tpm2.TPMTTKHashCheck, error) {
		return nil, tpm2.TPMTTKHashCheck{}, fmt.Errorf("hashing in the TPM: %w", err)
	}
	start, err := tpm2.HashSequenceStart{HashAlg: akHash}.Execute(s)
	if err != nil {
		return fail(err)
	}
	s.loaded(start.SequenceHandle)
	sequence := tpm2.AuthHandle{Handle: start.SequenceHandle, Auth: noAuth()}
	for len(message) > maxBuffer {
		if _, err := (tpm2.SequenceUpdate{SequenceHandle: sequence, Buffer: tpm2.TPM2BMaxBuffer{Buffer: message[:maxBuffer]}}).Execute(s); err != nil {
			return fail(err)
		}
		message = message[maxBuffer:]
	}
	end, err := tpm2.SequenceComplete{SequenceHandle: sequence, Buffer: tpm2.TPM2BMaxBuffer{Buffer: message}, Hierarchy: tpm2.TPMRHOwner}.Execute(s)
	if err != nil {
		return fail(err)
	}
	s.open = s.open[:len(s.open)-1] // the TPM has flushed it
	return end.Result.Buffer, end.Validation, nil
}
