package acme

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
)

// An Attestation is what an attestation statement proves beyond the identifier.
type Attestation struct {
	Format string `json:"format"`

	// KeyFingerprint identifies the attested key, as KeyFingerprint returns it. The
	// certificate will be for that key only; "" for a statement about no key.
	KeyFingerprint string `json:"keyFingerprint,omitempty"`
}

// KeyFingerprint returns the fingerprint of a public key as attestations record
// it: "SHA256:" and the unpadded standard base64 of the SHA-256 of the
// subjectPublicKey BIT STRING.
func KeyFingerprint(pub any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("fingerprint of a public key: %w", err)
	}
	var spki struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &spki); err != nil {
		return "", fmt.Errorf("fingerprint of a public key: %w", err)
	}
	sum := sha256.Sum256(spki.PublicKey.Bytes)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), nil
}
