package revocation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// An algorithm signs lists.
type algorithm struct {
	hash crypto.Hash // 0: the message is signed as a whole
	der  []byte      // AlgorithmIdentifier
}

// The algorithms are those that crypto/x509 chooses for the key.
var (
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSAWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSAWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	oidSHA256WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidEd25519         = asn1.ObjectIdentifier{1, 3, 101, 112}
)

func algorithmFor(pub crypto.PublicKey) (algorithm, error) {
	var id pkix.AlgorithmIdentifier
	var hash crypto.Hash
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		switch bits := pub.Curve.Params().BitSize; {
		case bits <= 256:
			id.Algorithm, hash = oidECDSAWithSHA256, crypto.SHA256
		case bits <= 384:
			id.Algorithm, hash = oidECDSAWithSHA384, crypto.SHA384
		default:
			id.Algorithm, hash = oidECDSAWithSHA512, crypto.SHA512
		}
	case *rsa.PublicKey:
		id.Algorithm, id.Parameters, hash = oidSHA256WithRSA, asn1.NullRawValue, crypto.SHA256
	case ed25519.PublicKey:
		id.Algorithm = oidEd25519
	default:
		return algorithm{}, fmt.Errorf("keys of type %T cannot sign a CRL", pub)
	}
	der, err := asn1.Marshal(id)
	return algorithm{hash, der}, err
}
