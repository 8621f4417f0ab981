package va

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-tpm/tpm2"

	"stepca/acme"
)

const minRSABits = 2048

// certifyPrefix begins a TPMS_ATTEST that TPM2_Certify made: TPM_GENERATED_VALUE,
// with which a TPM never begins what others have it sign, and
// TPM_ST_ATTEST_CERTIFY.
var certifyPrefix = []byte{0xff, 0x54, 0x43, 0x47, 0x80, 0x17}

// A tpmStatement is one of WebAuthn §8.3: a key of the TPM is certified by its
// attestation key (AK), whose chain is x5c.
type tpmStatement struct {
	chainStatement
	Version   string          `cbor:"ver"`
	Alg       cbor.RawMessage `cbor:"alg"`
	Signature cbor.RawMessage `cbor:"sig"`
	CertInfo  cbor.RawMessage `cbor:"certInfo"`
	PubArea   cbor.RawMessage `cbor:"pubArea"`
}

func (v *Validator) verifyTPM(_ context.Context, req *acme.Validation, raw cbor.RawMessage) (*attested, *acme.Problem) {
	var s tpmStatement
	if err := cborMode.Unmarshal(raw, &s); err != nil {
		return nil, bad("attStmt is malformed: %v", err)
	}
	switch s.Version {
	case "2.0":
	case "":
		return nil, bad("ver not present")
	default:
		return nil, bad("version %s is not supported", quote(s.Version))
	}
	if len(req.AttestationRoots) == 0 {
		// Nobody may be trusted: the configuration has to name the attestation CA.
		return nil, terminal(acme.ProblemServerInternal, "the provisioner has no attestationRoots, which attestations of format tpm need")
	}
	chain, problem := s.parseChain()
	if problem != nil {
		return nil, problem
	}
	ak := chain[0]
	handleSAN(ak)
	if problem := v.verifyChain(chain, nil, req.AttestationRoots); problem != nil {
		return nil, problem
	}
	names, problem := checkAK(ak)
	if problem != nil {
		return nil, problem
	}
	key, extraData, problem := s.certified(ak)
	if problem != nil {
		return nil, problem
	}
	want := sha256.Sum256([]byte(req.KeyAuthorization))
	if subtle.ConstantTimeCompare(extraData, want[:]) != 1 {
		return nil, bad("key authorization invalid")
	}
	return &attested{key: key, names: names, unnamed: !req.RequirePermanentIdentifier}, nil
}

// handleSAN tells crypto/x509 that we read the subject alternative name of an
// AK certificate, which is critical and of a kind it does not know.
func handleSAN(crt *x509.Certificate) {
	rest := crt.UnhandledCriticalExtensions[:0]
	for _, oid := range crt.UnhandledCriticalExtensions {
		if !oid.Equal(oidSubjectAltName) {
			rest = append(rest, oid)
		}
	}
	crt.UnhandledCriticalExtensions = rest
}

// certified verifies the statement with the AK, and returns the attested key and
// the data that the client had the TPM sign with it.
func (s *tpmStatement) certified(ak *x509.Certificate) (key crypto.PublicKey, extraData []byte, problem *acme.Problem) {
	var parts [3][]byte
	for i, part := range []struct {
		name string
		raw  cbor.RawMessage
	}{{"pubArea", s.PubArea}, {"sig", s.Signature}, {"certInfo", s.CertInfo}} {
		if part.raw == nil || cborMode.Unmarshal(part.raw, &parts[i]) != nil {
			return nil, nil, bad("invalid %s in attestation statement", part.name)
		}
		if len(parts[i]) == 0 {
			return nil, nil, bad("%s is empty", part.name)
		}
	}
	hash, problem := s.hash()
	if problem != nil {
		return nil, nil, problem
	}
	public, err := unmarshalTPM[tpm2.TPMTPublic](parts[0])
	if err != nil {
		return nil, nil, bad("invalid pubArea in attestation statement: %v", err)
	}
	// Only statements of this kind are parsed: others have lists of any length.
	if !bytes.HasPrefix(parts[2], certifyPrefix) {
		return nil, nil, bad("invalid certification parameters: certInfo is not a TPM's certification of a key")
	}
	info, err := unmarshalTPM[tpm2.TPMSAttest](parts[2])
	if err != nil {
		return nil, nil, bad("invalid certInfo in attestation statement: %v", err)
	}
	if problem := checkAKSignature(ak.PublicKey, hash, parts[2], parts[1]); problem != nil {
		return nil, nil, problem
	}
	if problem := checkCertifyInfo(info, public); problem != nil {
		return nil, nil, problem
	}
	if key, problem = publicKey(public); problem != nil {
		return nil, nil, problem
	}
	return key, info.ExtraData.Buffer, nil
}

// hash returns the digest that alg, a COSE algorithm (RFC 9053), is with. Which
// kind of key it is for does not matter; the AK is of one kind.
func (s *tpmStatement) hash() (crypto.Hash, *acme.Problem) {
	var alg int64
	if s.Alg == nil || cborMode.Unmarshal(s.Alg, &alg) != nil || alg >= 0 {
		return 0, bad("invalid alg in attestation statement")
	}
	switch alg {
	case -7, -257: // ES256, RS256
		return crypto.SHA256, nil
	case -35, -258: // ES384, RS384
		return crypto.SHA384, nil
	case -36, -259: // ES512, RS512
		return crypto.SHA512, nil
	}
	// Hardened: -65535 (RS1) is refused, since SHA-1 can be made to collide.
	return 0, bad("invalid alg %d in attestation statement", alg)
}

// checkAKSignature checks the signature of an AK over certInfo: a TPMT_SIGNATURE, or
// one that is bare, as browsers send it and the vectors of WebAuthn have it although
// its text says otherwise.
func checkAKSignature(pub crypto.PublicKey, hash crypto.Hash, certInfo, sig []byte) *acme.Problem {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if pub.N.BitLen() < minRSABits {
			return bad("AK too small: must be at least %d bits but was %d bits", minRSABits, pub.N.BitLen())
		}
	case *ecdsa.PublicKey:
	default:
		return bad("unsupported AK of type %T", pub)
	}
	sum := digest(hash, certInfo)
	signature, err := unmarshalTPM[tpm2.TPMTSignature](sig)
	switch {
	case err == nil && signedByTPM(pub, hash, sum, signature), err != nil && signedBare(pub, hash, sum, sig):
		return nil
	case err != nil:
		return bad("invalid sig in attestation statement: %v", err)
	}
	return bad("could not verify attestation: the AK did not sign certInfo")
}

// signedByTPM reports whether a signature is of the key over a digest.
func signedByTPM(pub crypto.PublicKey, hash crypto.Hash, sum []byte, signature *tpm2.TPMTSignature) bool {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		switch signature.SigAlg {
		case tpm2.TPMAlgRSASSA:
			s, err := signature.Signature.RSASSA()
			return err == nil && rsa.VerifyPKCS1v15(pub, hash, sum, s.Sig.Buffer) == nil
		case tpm2.TPMAlgRSAPSS:
			s, err := signature.Signature.RSAPSS()
			return err == nil && rsa.VerifyPSS(pub, hash, sum, s.Sig.Buffer, nil) == nil
		}
	case *ecdsa.PublicKey:
		s, err := signature.Signature.ECDSA()
		return err == nil && signature.SigAlg == tpm2.TPMAlgECDSA &&
			ecdsa.Verify(pub, sum, new(big.Int).SetBytes(s.SignatureR.Buffer), new(big.Int).SetBytes(s.SignatureS.Buffer))
	}
	return false
}

// signedBare is signedByTPM for a signature without what a TPM puts around it:
// RSASSA-PKCS1-v1_5, or ECDSA in DER.
func signedBare(pub crypto.PublicKey, hash crypto.Hash, sum, sig []byte) bool {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(pub, hash, sum, sig) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(pub, sum, sig)
	}
	return false
}

// checkCertifyInfo checks that certInfo is about the key in pubArea, and that this
// key signs, never leaves the TPM, and is not one that only signs what the TPM says.
func checkCertifyInfo(info *tpm2.TPMSAttest, public *tpm2.TPMTPublic) *acme.Problem {
	const invalid = "invalid certification parameters: "
	certify, err := info.Attested.Certify()
	if err != nil {
		return bad(invalid+"%v", err)
	}
	name, err := tpm2.ObjectName(public)
	if err != nil {
		return bad(invalid+"%v", err)
	}
	attributes := public.ObjectAttributes
	switch {
	case public.NameAlg != tpm2.TPMAlgSHA256 && public.NameAlg != tpm2.TPMAlgSHA384 && public.NameAlg != tpm2.TPMAlgSHA512:
		// Hardened: the Name is a digest of the key, and SHA-1 can be made to collide.
		return bad(invalid+"provided key is named with algorithm %#x", uint16(public.NameAlg))
	case subtle.ConstantTimeCompare(name.Buffer, certify.Name.Buffer) != 1:
		return bad(invalid + "certification refers to a different key")
	case attributes.Restricted:
		return bad(invalid + "provided key is restricted")
	case !attributes.FixedTPM || !attributes.FixedParent || !attributes.SensitiveDataOrigin:
		return bad(invalid + "provided key is exportable")
	case !attributes.SignEncrypt:
		return bad(invalid + "provided key does not sign")
	}
	return nil
}

func publicKey(public *tpm2.TPMTPublic) (crypto.PublicKey, *acme.Problem) {
	key, err := tpm2.Pub(*public)
	if err != nil {
		return nil, bad("invalid pubArea in attestation statement: %v", err)
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return nil, bad("attested key too small: must be at least %d bits but was %d bits", minRSABits, bits)
		}
	case *ecdsa.PublicKey:
		if _, err := key.ECDH(); err != nil {
			return nil, bad("invalid pubArea in attestation statement: %v", err)
		}
	}
	return key, nil
}

// unmarshalTPM parses a TPM structure that nothing may follow.
func unmarshalTPM[T tpm2.Marshallable, P interface {
	*T
	tpm2.Unmarshallable
}](data []byte) (*T, error) {
	v, err := tpm2.Unmarshal[T, P](data)
	if err != nil {
		return nil, err
	}
	if len(tpm2.Marshal(*v)) != len(data) {
		return nil, asn1.SyntaxError{Msg: "trailing data"}
	}
	return v, nil
}
