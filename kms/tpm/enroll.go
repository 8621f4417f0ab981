package tpm

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"stepca/kms"
)

// akChain returns the certificate of an attestation key and its chain: the stored
// one, or a new one from the attestation CA if there is none or its time has come.
func (e *Engine) akChain(ctx context.Context, ak *record) ([]*x509.Certificate, error) {
	now := time.Now()
	chain, err := e.store.chain(ak.key())
	switch {
	case err != nil && !errors.Is(err, kms.ErrNotFound):
		return nil, err
	case err == nil:
		if err := ak.matches(chain[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", e.store.file(ak.key(), certificateExtension), err)
		}
		if now.Before(chain[0].NotAfter) && (e.attestationCA == nil || !e.attestationCA.due(chain[0], now)) {
			return chain, nil
		}
		if e.attestationCA == nil {
			return nil, fmt.Errorf("the certificate of %s expired on %s; name an attestation CA with attestation-ca-url, or store a new one",
				ak.key(), chain[0].NotAfter.Format(time.RFC3339))
		}
	case e.attestationCA == nil:
		return nil, fmt.Errorf("%s has no certificate; name an attestation CA with attestation-ca-url, or store a certificate under %s", ak.key(), ak.key().uri())
	}
	fresh, err := e.enroll(ctx, ak, chain)
	if err != nil {
		return nil, fmt.Errorf("getting a certificate for %s from the attestation CA: %w", ak.key(), err)
	}
	return fresh, e.store.putChain(ak.key(), fresh)
}

// enroll gets a certificate for an attestation key. old is the one it has, if any.
func (e *Engine) enroll(ctx context.Context, ak *record, old []*x509.Certificate) ([]*x509.Certificate, error) {
	if ak.Creation == nil {
		return nil, errors.New("its file does not say how it was made")
	}
	client, err := e.attestationCA.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	request := &attestRequest{Params: attestParams{
		Public:            ak.Public,
		CreateData:        ak.Creation.Data,
		CreateAttestation: ak.Creation.Attestation,
		CreateSignature:   ak.Creation.Signature,
	}}
	if len(old) > 0 {
		request.AKCert = old[0].Raw
	}
	if err := e.use(ctx, request.identify); err != nil {
		return nil, err
	}
	var challenge attestResponse
	if err := e.attestationCA.post(ctx, client, "/attest", request, &challenge); err != nil {
		return nil, err
	}
	// The TPM is not held while the network is waited for.
	var answer secretRequest
	if err := e.use(ctx, func(s *session) error { return answer.solve(s, ak, &challenge) }); err != nil {
		return nil, err
	}
	var issued secretResponse
	if err := e.attestationCA.post(ctx, client, "/secret", &answer, &issued); err != nil {
		return nil, err
	}
	return issued.verify(ak, request.EK)
}

// identify fills in who the TPM is.
func (r *attestRequest) identify(s *session) error {
	i, err := s.info()
	if err != nil {
		return err
	}
	r.TPMInfo = tpmInfo{Version: 2, Manufacturer: i.Manufacturer, Model: i.Model, FirmwareVersion: i.FirmwareVersion}
	ek, err := s.endorsementKey()
	if err != nil {
		return err
	}
	if ek.crt != nil {
		r.EKCerts = [][]byte{ek.crt}
	}
	r.EK, err = x509.MarshalPKIXPublicKey(ek.public)
	return err
}

// solve decrypts the secret.
func (r *secretRequest) solve(s *session, ak *record, challenge *attestResponse) error {
	credential, err := unsized(challenge.Credential)
	if err != nil {
		return fmt.Errorf("the credential of the attestation CA: %w", err)
	}
	secret, err := unsized(challenge.Secret)
	if err != nil {
		return fmt.Errorf("the secret of the attestation CA: %w", err)
	}
	ek, err := s.endorsementKey()
	if err != nil {
		return err
	}
	r.Secret, err = s.activate(ek, ak, credential, secret)
	return err
}

// unsized returns the contents of a TPM2B.
func unsized(b []byte) ([]byte, error) {
	if len(b) < 2 || int(binary.BigEndian.Uint16(b)) != len(b)-2 {
		return nil, errors.New("its size is not what it says")
	}
	return b[2:], nil
}

// ekScheme begins the URI of a certificate's endorsement key: the SHA-256 of its
// SubjectPublicKeyInfo in base64 follows.
const ekScheme = "urn:ek:sha256:"

// verify parses the chain and checks that the certificate is for the attestation
// key, and if it names an endorsement key, for that of this TPM.
func (r *secretResponse) verify(ak *record, ek []byte) ([]*x509.Certificate, error) {
	if len(r.Chain) == 0 {
		return nil, errors.New("it answered without a certificate")
	}
	var chain []*x509.Certificate
	for _, der := range r.Chain {
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, crt)
	}
	if err := ak.matches(chain[0]); err != nil {
		return nil, err
	}
	for _, uri := range chain[0].URIs {
		if name := uri.String(); strings.HasPrefix(name, ekScheme) && name != ekURI(ek) {
			return nil, fmt.Errorf("its certificate names %s, but the endorsement key of this TPM is %s", name, ekURI(ek))
		}
	}
	return chain, nil
}

// ekURI is the URI of an endorsement key.
func ekURI(spki []byte) string {
	sum := sha256.Sum256(spki)
	return ekScheme + base64.StdEncoding.EncodeToString(sum[:])
}
