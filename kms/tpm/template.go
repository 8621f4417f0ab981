package tpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
	"stepca/kms"
)

// akHash is what attestation keys sign with.
const akHash = tpm2.TPMAlgSHA256

// newTemplate returns the public area (TPM 2.0 Part 2 §12.2.4) of a key to make.
// It stays in the TPM that makes it, and has no password, so that the protection
// against guessing (noDA) would protect nothing.
func newTemplate(r role, spec keyfile.KeySpec) (*tpm2.TPMTPublic, error) {
	template := &tpm2.TPMTPublic{
		NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{
			FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true,
			UserWithAuth: true, NoDA: true, SignEncrypt: true,
			// A restricted key signs nothing that looks as if the TPM had said it.
			Restricted: r == attestation,
		},
	}
	switch spec.Type {
	case keyfile.RSA:
		return rsaTemplate(template, r, spec)
	case keyfile.EC, "":
		return eccTemplate(template, r, spec)
	}
	return nil, fmt.Errorf("a key of type %s %w by TPMs; take EC or RSA", spec.Type, kms.ErrUnsupported)
}

func rsaTemplate(template *tpm2.TPMTPublic, r role, spec keyfile.KeySpec) (*tpm2.TPMTPublic, error) {
	bits := spec.Size
	if bits == 0 {
		bits = keyfile.MinRSABits
	}
	if bits < keyfile.MinRSABits || bits > keyfile.MaxRSABits {
		return nil, fmt.Errorf("an RSA key of %d bits %w", bits, kms.ErrUnsupported)
	}
	parameters := &tpm2.TPMSRSAParms{
		Symmetric: tpm2.TPMTSymDefObject{Algorithm: tpm2.TPMAlgNull},
		Scheme:    tpm2.TPMTRSAScheme{Scheme: tpm2.TPMAlgNull},
		KeyBits:   tpm2.TPMKeyBits(bits),
	}
	if r == attestation {
		parameters.Scheme = tpm2.TPMTRSAScheme{
			Scheme:  tpm2.TPMAlgRSASSA,
			Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSASSA, &tpm2.TPMSSigSchemeRSASSA{HashAlg: akHash}),
		}
	}
	template.Type = tpm2.TPMAlgRSA
	template.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, parameters)
	return template, nil
}

func eccTemplate(template *tpm2.TPMTPublic, r role, spec keyfile.KeySpec) (*tpm2.TPMTPublic, error) {
	curve, ok := map[string]tpm2.TPMECCCurve{
		"": tpm2.TPMECCNistP256, keyfile.P256: tpm2.TPMECCNistP256, keyfile.P384: tpm2.TPMECCNistP384, keyfile.P521: tpm2.TPMECCNistP521,
	}[spec.Curve]
	if !ok || r == attestation && curve != tpm2.TPMECCNistP256 {
		return nil, fmt.Errorf("an EC key on curve %s %w", spec.Curve, kms.ErrUnsupported)
	}
	parameters := &tpm2.TPMSECCParms{
		Symmetric: tpm2.TPMTSymDefObject{Algorithm: tpm2.TPMAlgNull},
		Scheme:    tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgNull},
		CurveID:   curve,
		KDF:       tpm2.TPMTKDFScheme{Scheme: tpm2.TPMAlgNull},
	}
	if r == attestation {
		parameters.Scheme = tpm2.TPMTECCScheme{
			Scheme:  tpm2.TPMAlgECDSA,
			Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: akHash}),
		}
	}
	template.Type = tpm2.TPMAlgECC
	template.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, parameters)
	return template, nil
}

// signatureScheme is the scheme to sign with.
func signatureScheme(algorithm, hash tpm2.TPMAlgID) tpm2.TPMTSigScheme {
	return tpm2.TPMTSigScheme{Scheme: algorithm, Details: tpm2.NewTPMUSigScheme(algorithm, &tpm2.TPMSSchemeHash{HashAlg: hash})}
}

// akScheme is that of an attestation key.
func akScheme(r *record) (tpm2.TPMTSigScheme, error) {
	template, err := r.template()
	if err != nil {
		return tpm2.TPMTSigScheme{}, err
	}
	if template.Type == tpm2.TPMAlgECC {
		return signatureScheme(tpm2.TPMAlgECDSA, akHash), nil
	}
	return signatureScheme(tpm2.TPMAlgRSASSA, akHash), nil
}
