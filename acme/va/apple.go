package va

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/asn1"

	"github.com/fxamacker/cbor/v2"

	"stepca/acme"
)

var (
	oidAppleSerialNumber = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 8, 9, 1}
	oidAppleUDID         = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 8, 9, 2}
	oidAppleNonce        = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 8, 11, 1}
)

// verifyApple verifies an attestation of Managed Device Attestation: the chain
// binds the key, and its freshness code is the digest of the challenge's token.
// The extensions hold plain text, not DER.
func (v *Validator) verifyApple(_ context.Context, req *acme.Validation, raw cbor.RawMessage) (*attested, *acme.Problem) {
	var s chainStatement
	if err := cborMode.Unmarshal(raw, &s); err != nil {
		return nil, bad("attStmt is malformed: %v", err)
	}
	chain, problem := s.parseChain()
	if problem != nil {
		return nil, problem
	}
	if problem := v.verifyChain(chain, nil, rootsOr(req, appleRoots)); problem != nil {
		return nil, problem
	}
	var serial, udid string
	var fresh bool
	nonce := sha256.Sum256([]byte(req.Token))
	for _, ext := range chain[0].Extensions {
		switch {
		case ext.Id.Equal(oidAppleSerialNumber):
			serial = string(ext.Value)
		case ext.Id.Equal(oidAppleUDID):
			udid = string(ext.Value)
		case ext.Id.Equal(oidAppleNonce):
			if subtle.ConstantTimeCompare(ext.Value, nonce[:]) != 1 {
				return nil, bad("challenge token does not match")
			}
			fresh = true
		}
	}
	// The reference accepts a certificate without a freshness code, which anybody
	// could replay who has seen it.
	if !fresh {
		return nil, bad("the certificate has no freshness code (extension %s); ask the device for a new attestation", oidAppleNonce)
	}
	return &attested{key: chain[0].PublicKey, names: []string{udid, serial}}, nil
}
