package acme

import (
	"crypto/rand"
	"time"

	"stepca/ca"
	"stepca/store"
)

// Sizes of external account keys.
const (
	externalKeySize    = 32  // octets of the HMAC key
	MaxReferenceLength = 256 // octets of the operator's reference
)

// NewExternalKey returns a key for external account binding (RFC 8555 §7.3.4) at a
// provisioner, by its ID, to be stored and handed to the owner of the account to
// be: ID, and Secret in base64url without padding. reference is the operator's own
// name for it, "" for none.
func NewExternalKey(provisionerID, reference string, now time.Time) (*ExternalKey, error) {
	if len(reference) > MaxReferenceLength {
		return nil, ca.Errorf(ca.ErrMalformed, "reference length %d exceeds the maximum (%d)", len(reference), MaxReferenceLength)
	}
	secret := make([]byte, externalKeySize)
	rand.Read(secret)
	return &ExternalKey{
		ID: NewID(), Provisioner: provisionerID, Reference: reference, Secret: secret, CreatedAt: now.UTC().Truncate(time.Second),
	}, nil
}

// An ExternalKey is a key for external account binding, as it is stored.
type ExternalKey = store.ACMEExternalKey
