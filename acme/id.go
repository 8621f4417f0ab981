package acme

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"

	"stepca/store"
)

// idLength is how long the IDs in URLs are, and tokens: 190 bits.
const idLength = 32

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID returns a random ID of 32 alphanumeric characters. Challenge tokens, which
// need 128 bits (RFC 8555 §8), are made likewise.
func NewID() string { return randomText(idLength) }

// NewPartID returns an ID for a part of an order, by which the order is found: it
// begins as the order's own.
func NewPartID(orderID string) string {
	return orderID[:store.ACMEIDPrefix] + randomText(idLength-store.ACMEIDPrefix)
}

// randomText draws uniformly: octets beyond the last multiple of 62 are drawn
// again.
func randomText(n int) string {
	const limit = 256 - 256%len(alphanumeric)
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		rand.Read(buf)
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphanumeric[int(b)%len(alphanumeric)])
			}
		}
	}
	return string(out)
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
