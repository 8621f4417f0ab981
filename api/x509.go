package api

import (
	"encoding/json"

	"stepca/ca"
)

// A SignRequest is the body of POST /sign.
type SignRequest struct {
	CSR       CSRPEM            `json:"csr"`
	Token     string            `json:"ott"`
	NotAfter  ca.TimeOrDuration `json:"notAfter"`  // a duration counts from NotBefore
	NotBefore ca.TimeOrDuration `json:"notBefore"` // a duration counts from now

	// TemplateData is the object that custom templates see as .Insecure.User.
	TemplateData json.RawMessage `json:"templateData,omitempty"`
}

// A RekeyRequest is the body of POST /rekey. Only the public key of the CSR, and
// its proof of possession, count.
type RekeyRequest struct {
	CSR CSRPEM `json:"csr"`
}

// A SignResponse answers POST /sign, /renew and /rekey.
type SignResponse struct {
	Certificate CertPEM     `json:"crt"`                  // CertChain[0]
	Issuer      CertPEM     `json:"ca"`                   // CertChain[1]; null if the chain has one certificate
	CertChain   []CertPEM   `json:"certChain"`            // leaf first, root left out
	TLSOptions  *TLSOptions `json:"tlsOptions,omitempty"` // the CA's own settings, a hint for the client's
}

// A RevokeRequest is the body of POST /revoke and POST /ssh/revoke.
type RevokeRequest struct {
	Serial     string `json:"serial"`     // integer literal: decimal, or with prefix 0x, 0o, 0b
	Token      string `json:"ott"`        // "" when a client certificate authenticates
	ReasonCode int    `json:"reasonCode"` // CRLReason, RFC 5280 §5.3.1
	Reason     string `json:"reason"`     // free text
	Passive    bool   `json:"passive"`    // must be true: the certificate is not renewed any more
}

// A RevokeResponse answers both revoking routes. Status is "ok".
type RevokeResponse struct {
	Status string `json:"status"`
}
