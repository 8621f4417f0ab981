package acme

import (
	"crypto/rand"

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
