package tpm

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// Handles of the certificates of endorsement keys (TCG EK Credential Profile
// §2.2.1.4, templates L-1 and L-2), and where provisioned machines keep the RSA
// key itself (TCG TPM 2.0 Provisioning Guidance §7.8).
const (
	ekCertificateRSA tpm2.TPMHandle = 0x01c00002
	ekCertificateECC tpm2.TPMHandle = 0x01c0000a
	ekRSA            tpm2.TPMHandle = 0x81010001
)

// maxEKCertificate bounds a certificate of an endorsement key, in bytes.
const maxEKCertificate = 8 << 10

// An endorsementKey (EK) is the key that the maker of a TPM certified. It only
// decrypts. If the machine is not provisioned with it, it is derived from a seed of
// the TPM each time.
type endorsementKey struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public crypto.PublicKey
	crt    []byte // DER, nil if the TPM has none; not all are certificates to crypto/x509
}

// endorsementKey returns the RSA endorsement key, or the one on P-256 if only that
// has a certificate.
func (s *session) endorsementKey() (*endorsementKey, error) {
	template := tpm2.RSAEKTemplate
	crt, err := s.ekCertificate(ekCertificateRSA)
	if err == nil && crt == nil {
		if crt, err = s.ekCertificate(ekCertificateECC); crt != nil {
			template = tpm2.ECCEKTemplate
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the endorsement key: %w", err)
	}
	if template.Type == tpm2.TPMAlgRSA {
		kept, err := tpm2.ReadPublic{ObjectHandle: ekRSA}.Execute(s)
		if err == nil && isEndorsementKey(kept.OutPublic) {
			return newEndorsementKey(ekRSA, kept.Name, kept.OutPublic, crt)
		}
	}
	primary, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: noAuth()},
		InPublic:      tpm2.New2B(template),
	}.Execute(s)
	if err != nil {
		return nil, fmt.Errorf("deriving the endorsement key: %w", err)
	}
	return newEndorsementKey(s.loaded(primary.ObjectHandle), primary.Name, primary.OutPublic, crt)
}

func newEndorsementKey(handle tpm2.TPMHandle, name tpm2.TPM2BName, public tpm2.TPM2BPublic, crt []byte) (*endorsementKey, error) {
	area, err := public.Contents()
	if err != nil {
		return nil, err
	}
	key, err := tpm2.Pub(*area)
	return &endorsementKey{handle, name, key, crt}, err
}

// isEndorsementKey reports whether a key is an RSA one with the policy that
// endorsementPolicy satisfies.
func isEndorsementKey(public tpm2.TPM2BPublic) bool {
	area, err := public.Contents()
	want := tpm2.RSAEKTemplate
	return err == nil && area.Type == want.Type && area.ObjectAttributes == want.ObjectAttributes && bytes.Equal(area.AuthPolicy.Buffer, want.AuthPolicy.Buffer)
}

// ekCertificate reads a certificate from the TPM's memory, nil if it has none.
func (s *session) ekCertificate(index tpm2.TPMHandle) ([]byte, error) {
	answer, err := tpm2.NVReadPublic{NVIndex: index}.Execute(s)
	if errors.Is(err, tpm2.TPMRCHandle) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	public, err := answer.NVPublic.Contents()
	if err != nil {
		return nil, err
	}
	if public.DataSize > maxEKCertificate {
		return nil, fmt.Errorf("%d bytes at %#x are no certificate", public.DataSize, uint32(index))
	}
	const chunk = 512 // no TPM gives less at a time
	der := make([]byte, 0, public.DataSize)
	for len(der) < int(public.DataSize) {
		size := min(chunk, int(public.DataSize)-len(der))
		read, err := tpm2.NVRead{
			AuthHandle: tpm2.AuthHandle{Handle: index, Name: answer.NVName, Auth: noAuth()},
			NVIndex:    tpm2.NamedHandle{Handle: index, Name: answer.NVName},
			Size:       uint16(size),
			Offset:     uint16(len(der)),
		}.Execute(s)
		if err != nil {
			return nil, err
		}
		if len(read.Data.Buffer) == 0 {
			return nil, errors.New("the TPM gives less than it has")
		}
		der = append(der, read.Data.Buffer...)
	}
	return withoutPadding(der)
}

// storedCertificate begins what some makers put around a certificate:
// TCG_PCCLIENT_STORED_CERT with a whole certificate (TCG PC Client Specific
// Implementation Specification for Conventional BIOS 1.21 §7.3.2). The length of the
// certificate follows, two octets.
var storedCertificate = []byte{0x10, 0x01, 0x00}

// withoutPadding returns the first value of some DER, which some makers precede with
// a header and some follow with padding; nil if it is padding only, since memory may
// be defined and not written.
func withoutPadding(data []byte) ([]byte, error) {
	if len(bytes.Trim(data, "\x00")) == 0 || len(bytes.Trim(data, "\xff")) == 0 {
		return nil, nil
	}
	if rest, ok := bytes.CutPrefix(data, storedCertificate); ok && len(rest) >= 2 {
		size := int(binary.BigEndian.Uint16(rest))
		if size > len(rest)-2 {
			return nil, fmt.Errorf("it has %d bytes of the %d that it announces", len(rest)-2, size)
		}
		data = rest[2:][:size]
	}
	var value asn1.RawValue
	if _, err := asn1.Unmarshal(data, &value); err != nil {
		return nil, fmt.Errorf("it is not one: %w", err)
	}
	if value.Class != asn1.ClassUniversal || value.Tag != asn1.TagSequence || !value.IsCompound {
		return nil, errors.New("it is not one: it is no SEQUENCE")
	}
	return value.FullBytes, nil
}

// activate decrypts what an attestation CA has encrypted for the endorsement key
// and for an attestation key with a certain Name (TPM2_ActivateCredential).
func (s *session) activate(ek *endorsementKey, akRecord *record, credential, secret []byte) ([]byte, error) {
	ak, err := s.load(akRecord)
	if err != nil {
		return nil, err
	}
	answer, err := tpm2.ActivateCredential{
		ActivateHandle: ak.auth(),
		KeyHandle:      tpm2.AuthHandle{Handle: ek.handle, Name: ek.name, Auth: tpm2.Policy(tpm2.TPMAlgSHA256, 16, endorsementPolicy)},
		CredentialBlob: tpm2.TPM2BIDObject{Buffer: credential},
		Secret:         tpm2.TPM2BEncryptedSecret{Buffer: secret},
	}.Execute(s)
	if err != nil {
		return nil, fmt.Errorf("decrypting the secret of the attestation CA: %w", err)
	}
	return answer.CertInfo.Buffer, nil
}

// endorsementPolicy is the policy of endorsement keys: TPM2_PolicySecret with
// the password of the endorsement hierarchy.
func endorsementPolicy(tpm transport.TPM, handle tpm2.TPMISHPolicy, nonce tpm2.TPM2BNonce) error {
	_, err := tpm2.PolicySecret{
		AuthHandle:    tpm2.AuthHandle{Handle: tpm2.TPMRHEndorsement, Auth: noAuth()},
		PolicySession: handle,
		NonceTPM:      nonce,
	}.Execute(tpm)
	return err
}
