package cli

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"stepca/keyfile"
)

// An OfflineCA is a certificate authority inside this process, made of its
// configuration, keys and database.
type OfflineCA interface {
	URL() string // what audiences of tokens for it begin with
	Roots() []*x509.Certificate
	Transport(crt *tls.Certificate) http.RoundTripper // for client.Config
	Close() error
}

// OfflineOptions say which authority is opened.
type OfflineOptions struct {
	ConfigFile string         // ca.json
	Password   keyfile.Secret // of the keys; the zero value leaves it to the configuration, then to Prompt
	Prompt     keyfile.Password

	// SSHHostPassword and SSHUserPassword are those of the keys of the SSH CA; the
	// zero value means Password.
	SSHHostPassword, SSHUserPassword keyfile.Secret
}
