package tpm

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
	"stepca/kms"
)

// statementFormat is the name of our attestation statements (WebAuthn §8.3).
const statementFormat = "tpm"

// COSE algorithms (RFC 9053, RFC 8812) of attestation keys.
const (
	coseES256 = -7
	coseRS256 = -257
)

// Attest has the attestation key of a signing key certify it. An attestation key
// that is not there yet is made, and one without a certificate gets one from the
// attestation CA.
func (e *Engine) Attest(ctx context.Context, uri string, data []byte) (*kms.Attestation, error) {
	k, err := parseName(uri)
	if err != nil {
		return nil, err
	}
	if k.role == attestation {
		return nil, fmt.Errorf("%s vouches for other keys; name one without ak=true", k)
	}
	r, err := e.store.load(k)
	if err != nil {
		return nil, err
	}
	ak, err := e.attestationKey(ctx, k, r)
	if err != nil {
		return nil, err
	}
	a := &kms.Attestation{Format: statementFormat, PubArea: r.Public, Alg: coseRS256}
	if public, err := ak.public(); err != nil {
		return nil, err
	} else if _, ok := public.(*ecdsa.PublicKey); ok {
		a.Alg = coseES256
	}
	if a.Chain, err = e.akChain(ctx, ak); err != nil {
		return nil, err
	}
	err = e.use(ctx, func(s *session) error {
		info, err := s.info()
		if err != nil {
			return err
		}
		a.Device = info.lines()
		return s.certify(r, ak, data, a)
	})
	if err != nil {
		return nil, fmt.Errorf("attesting %s: %w", k, err)
	}
	return a, nil
}

// attestationKey returns the attestation key of a key: the one that the URI
// names, or with which the key was made, or the default one.
func (e *Engine) attestationKey(ctx context.Context, k keyName, r *record) (*record, error) {
	ak := keyName{role: attestation, name: defaultAK}
	switch {
	case k.ak != "":
		ak.name = k.ak
	case r.AttestBy != "":
		ak.name = r.AttestBy
	}
	if !e.store.has(ak) {
		return e.create(ctx, ak, keyfile.KeySpec{Type: keyfile.RSA, Size: akBits})
	}
	return e.store.load(ak)
}

// certify fills in what the TPM says of a key.
func (s *session) certify(r, akRecord *record, data []byte, a *kms.Attestation) error {
	scheme, err := akScheme(akRecord)
	if err != nil {
		return err
	}
	ak, err := s.load(akRecord)
	if err != nil {
		return err
	}
	key, err := s.load(r)
	if err != nil {
		return err
	}
	answer, err := tpm2.Certify{
		ObjectHandle:   key.auth(),
		SignHandle:     ak.auth(),
		QualifyingData: tpm2.TPM2BData{Buffer: data},
		InScheme:       scheme,
	}.Execute(s)
	if err != nil {
		return err
	}
	a.CertInfo, a.Signature = answer.CertifyInfo.Bytes(), tpm2.Marshal(answer.Signature)
	return nil
}
