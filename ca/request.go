package ca

import (
	"crypto/x509"
	"encoding/json"
)

// An Operation is what is done with a certificate.
type Operation string

// The operations. Their spelling is what metrics, logs and records show.
const (
	SignX509   Operation = "x509-sign"
	RenewX509  Operation = "x509-renew"
	RekeyX509  Operation = "x509-rekey"
	RevokeX509 Operation = "x509-revoke"
	SignSSH    Operation = "ssh-sign"
	RenewSSH   Operation = "ssh-renew"
	RekeySSH   Operation = "ssh-rekey"
	RevokeSSH  Operation = "ssh-revoke"

	// ServerX509 is the CA issuing its own server certificate.
	ServerX509 Operation = "server"
)

// A Request asks for an X.509 certificate. Nothing in it is trusted until a
// provisioner has vouched for it, but CSR has a valid signature of its own.
type Request struct {
	Operation Operation
	ID        string // request ID of the protocol edge, for logs and records

	// CSR is the certification request (RFC 2986), self-signature verified; nil
	// for a renewal.
	CSR *x509.CertificateRequest

	// NotBefore counts from now, NotAfter from the resulting NotBefore before
	// any backdating. Unset leaves them to the template and the grant.
	NotBefore, NotAfter TimeOrDuration

	// UserData is the JSON object that a custom template sees as .Insecure.User.
	UserData json.RawMessage

	// Token is the evidence of a provisioner's one-time token, or the bearer
	// token of a renewal; compact JWS. Never log it.
	Token string

	// Peer is the client certificate of the connection, verified up to a root of
	// this CA; nil if there is none.
	Peer *x509.Certificate
}
