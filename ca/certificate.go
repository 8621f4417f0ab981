package ca

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"time"
)

// A Certificate is an issued X.509 certificate with the chain that a server
// presents: leaf first, root left out.
type Certificate struct {
	Leaf        *x509.Certificate
	Chain       []*x509.Certificate // Chain[0] is Leaf
	Issuer      string              // name of our issuer that signed it
	Provisioner ProvisionerRef
}

// Fingerprint returns the SHA-256 of a certificate in lower-case hex: what pins a
// root in configurations and in the "sha" claim of tokens, and is shown to people.
func Fingerprint(crt *x509.Certificate) string {
	sum := sha256.Sum256(crt.Raw)
	return hex.EncodeToString(sum[:])
}

// serialBits is the number of random bits in a serial number: as many as fit in
// 16 octets of DER without a sign octet.
const serialBits = 127

// NewSerialNumber returns a random serial number of 127 bits, positive and at
// most 16 octets in DER; RFC 5280 §4.1.2.2 allows 20.
func NewSerialNumber() *big.Int {
	limit := new(big.Int).Lsh(big.NewInt(1), serialBits)
	for {
		n, err := rand.Int(rand.Reader, limit)
		if err != nil {
			panic("the system's random source failed: " + err.Error())
		}
		if n.Sign() > 0 {
			return n
		}
	}
}

// A Revocation ends a certificate before its time.
type Revocation struct {
	Serial      string         `json:"serial"` // decimal
	Issuer      string         `json:"issuer"` // name of the issuer whose CRL lists it
	Provisioner ProvisionerRef `json:"provisioner,omitzero"`
	ReasonCode  int            `json:"reasonCode"` // CRLReason, RFC 5280 §5.3.1
	Reason      string         `json:"reason,omitempty"`
	RevokedAt   time.Time      `json:"revokedAt"`

	// ExpiresAt is the certificate's NotAfter, after which CRLs drop it; zero if
	// the certificate is not known, and then it is listed forever.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`

	// By says what authenticated the request: "token", "mtls" or "acme".
	By      string `json:"by"`
	TokenID string `json:"tokenId,omitempty"`
}
