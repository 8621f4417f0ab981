package api

import "encoding/json"

// Version answers GET /version.
type Version struct {
	Version string `json:"version"` // "N/A" for a build without one

	// RequireClientAuthentication says that even reading routes ask for a client
	// certificate, as hosted authorities do.
	RequireClientAuthentication bool `json:"requireClientAuthentication,omitempty"`
}

// Health answers GET /health. Status is "ok".
type Health struct {
	Status string `json:"status"`
}

// Ready answers GET /ready. Status is "ok".
type Ready struct {
	Status string `json:"status"`

	// Degraded says what does not work while the CA as a whole does: provisioners
	// that could not be initialized.
	Degraded []string `json:"degraded,omitempty"`
}

// Root answers GET /root/{sha}.
type Root struct {
	Root CertPEM `json:"ca"`
}

// A CertificateList answers GET /roots, /intermediates and /federation.
type CertificateList struct {
	Certificates []CertPEM `json:"crts"`
}

// Provisioners answers GET /provisioners with one page.
type Provisioners struct {
	// Provisioners are in the JSON form of ca.json, whose types package
	// provisioner has; null if there are none.
	Provisioners []json.RawMessage `json:"provisioners"`

	// NextCursor is to be sent back for the next page; "" on the last.
	NextCursor string `json:"nextCursor"`
}

// Sizes of pages of GET /provisioners.
const (
	DefaultPageSize = 20  // when the request names none, or none above zero
	MaxPageSize     = 100 // more is cut to this
)

// EncryptedKey answers GET /provisioners/{kid}/encrypted-key.
type EncryptedKey struct {
	Key string `json:"key"` // compact JWE of a JWK
}
