package tpm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	"github.com/google/go-tpm/tpm2"

	"stepca/kms"
)

// Signer returns a key. One with ak=true signs messages only, as
// crypto.MessageSigner has it, because an attestation key has to see what it
// signs; crypto/x509 knows how to use such keys.
func (e *Engine) Signer(ctx context.Context, uri string) (kms.Signer, error) {
	r, public, err := e.load(ctx, uri)
	if err != nil {
		return nil, err
	}
	s := &signer{e, r, public}
	if r.Role == attestation {
		return &akSigner{s}, nil
	}
	return s, nil
}

// PublicKey returns the public half of a key, for which the TPM is not needed.
func (e *Engine) PublicKey(ctx context.Context, uri string) (crypto.PublicKey, error) {
	_, public, err := e.load(ctx, uri)
	return public, err
}

func (e *Engine) load(ctx context.Context, uri string) (*record, crypto.PublicKey, error) {
	k, err := parseName(uri)
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	r, err := e.store.load(k)
	if err != nil {
		return nil, nil, err
	}
	public, err := r.public()
	return r, public, err
}

// A signer is a signing key.
type signer struct {
	engine *Engine
	record *record
	public crypto.PublicKey
}

func (s *signer) Public() crypto.PublicKey { return s.public }
func (s *signer) External() bool           { return true }

func (s *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.SignContext(context.Background(), digest, opts)
}

// Probe loads the key.
func (s *signer) Probe(ctx context.Context) error {
	return s.engine.use(ctx, func(t *session) error {
		_, err := t.load(s.record)
		return err
	})
}

// SignContext signs with ECDSA, or with PKCS #1 v1.5 or PSS.
func (s *signer) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	scheme, err := s.scheme(digest, opts)
	if err != nil {
		return nil, err
	}
	// A ticket is for restricted keys; for others the TPM wants an empty one.
	ticket := tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull}
	var signature tpm2.TPMTSignature
	err = s.engine.use(ctx, func(t *session) error {
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
	raw, err := rawSignature(&signature)
	if err != nil {
		return nil, err
	}
	if scheme.Scheme == tpm2.TPMAlgRSAPSS {
		// TPMs choose the length of the salt, some another than TLS and X.509 want.
		pss := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		if rsa.VerifyPSS(s.public.(*rsa.PublicKey), opts.HashFunc(), digest, raw, pss) != nil {
			return nil, fmt.Errorf("PSS %w by this TPM with a salt as long as the hash", kms.ErrUnsupported)
		}
	}
	return raw, nil
}

func (s *session) sign(key loadedKey, digest []byte, scheme tpm2.TPMTSigScheme, ticket tpm2.TPMTTKHashCheck) (tpm2.TPMTSignature, error) {
	answer, err := tpm2.Sign{KeyHandle: key.auth(), Digest: tpm2.TPM2BDigest{Buffer: digest}, InScheme: scheme, Validation: ticket}.Execute(s)
	if err != nil {
		return tpm2.TPMTSignature{}, fmt.Errorf("signing: %w", err)
	}
	return answer.Signature, nil
}

// scheme returns how to sign.
func (s *signer) scheme(digest []byte, opts crypto.SignerOpts) (tpm2.TPMTSigScheme, error) {
	hash, err := tpmHash(opts.HashFunc())
	if err != nil {
		return tpm2.TPMTSigScheme{}, err
	}
	if len(digest) != opts.HashFunc().Size() {
		return tpm2.TPMTSigScheme{}, fmt.Errorf("signing: a digest of %d bytes is none of %s", len(digest), opts.HashFunc())
	}
	if _, ok := s.public.(*ecdsa.PublicKey); ok {
		return signatureScheme(tpm2.TPMAlgECDSA, hash), nil
	}
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		switch pss.SaltLength {
		case rsa.PSSSaltLengthAuto, rsa.PSSSaltLengthEqualsHash, len(digest):
			return signatureScheme(tpm2.TPMAlgRSAPSS, hash), nil
		}
		return tpm2.TPMTSigScheme{}, fmt.Errorf("a PSS salt of %d bytes %w", pss.SaltLength, kms.ErrUnsupported)
	}
	return signatureScheme(tpm2.TPMAlgRSASSA, hash), nil
}

func tpmHash(hash crypto.Hash) (tpm2.TPMAlgID, error) {
	switch hash {
	case crypto.SHA256:
		return tpm2.TPMAlgSHA256, nil
	case crypto.SHA384:
		return tpm2.TPMAlgSHA384, nil
	case crypto.SHA512:
		return tpm2.TPMAlgSHA512, nil
	}
	return 0, fmt.Errorf("signing with %s %w", hash, kms.ErrUnsupported)
}

// rawSignature returns a signature as crypto.Signer has it.
func rawSignature(signature *tpm2.TPMTSignature) ([]byte, error) {
	switch signature.SigAlg {
	case tpm2.TPMAlgRSASSA:
		s, err := signature.Signature.RSASSA()
		if err != nil {
			return nil, err
		}
		return s.Sig.Buffer, nil
	case tpm2.TPMAlgRSAPSS:
		s, err := signature.Signature.RSAPSS()
		if err != nil {
			return nil, err
		}
		return s.Sig.Buffer, nil
	case tpm2.TPMAlgECDSA:
		s, err := signature.Signature.ECDSA()
		if err != nil {
			return nil, err
		}
		return asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(s.SignatureR.Buffer), new(big.Int).SetBytes(s.SignatureS.Buffer)})
	}
	return nil, fmt.Errorf("the TPM signed with algorithm %#x, which was not asked for", uint16(signature.SigAlg))
}
