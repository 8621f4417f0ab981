package config

import (
	"log/slog"
	"strings"

	"stepca/keyfile"
)

// A Config is the content of ca.json. Relative file names in it are relative to
// the working directory of the server, unless a field says otherwise. The zero
// value of a field means that the file does not have the key.
type Config struct {
	// Root are the files with the CA's root certificates, PEM bundles.
	Root Roots `json:"root"`

	// FederatedRoots are files with further roots, which the CA shows to clients
	// (/federation) but does not accept client certificates of.
	FederatedRoots Strings `json:"federatedRoots"`

	// Crt and Key are the certificate chain (issuing certificate first) and the
	// key (a file or the name of a key in the KMS) of the issuer "default".
	Crt string `json:"crt"`
	Key string `json:"key"`

	// Address, host:port, is where HTTPS is served. InsecureAddress serves the
	// read-only routes that need no TLS, MetricsAddress /metrics; "" is off.
	Address         string `json:"address"`
	InsecureAddress string `json:"insecureAddress"`
	MetricsAddress  string `json:"metricsAddress,omitempty"`

	// DNSNames are the names and IP addresses by which clients reach the CA; nil
	// means DefaultDNSNames. See ServerNames.
	DNSNames Names `json:"dnsNames"`

	// CommonName is that of the server's own certificate; see ServerCommonName.
	CommonName string `json:"commonName,omitempty"`

	// Issuers are those besides "default".
	Issuers []Issuer `json:"issuers,omitempty"`

	KMS        *KMS        `json:"kms,omitempty"`        // nil: keys are files
	SSH        *SSH        `json:"ssh,omitempty"`        // nil: no SSH CA
	Logger     *Logger     `json:"logger,omitempty"`     // nil: requests are not logged
	DB         *DB         `json:"db,omitempty"`         // nil: nothing is stored, used tokens are kept in memory
	Monitoring *Monitoring `json:"monitoring,omitempty"` // nil: off
	Authority  Authority   `json:"authority"`
	TLS        *TLS        `json:"tls,omitempty"` // nil: see TLS.WithDefaults

	// Password opens Key and, unless they have their own, the other keys. The
	// zero Secret means that none is given.
	Password keyfile.Secret `json:"password,omitzero"`

	// Templates are those of `step ssh config`; nil means the built-in ones if
	// there is an SSH CA.
	Templates *Templates `json:"templates,omitempty"`

	// CRL, OCSP and AIA are those of the issuer "default", and of the others
	// unless they have their own; nil is off.
	CRL  *CRL  `json:"crl,omitempty"`
	OCSP *OCSP `json:"ocsp,omitempty"`
	AIA  *AIA  `json:"aia,omitempty"`

	// Lint says how certificates are linted before they are signed.
	Lint LintMode `json:"lint,omitempty"`

	// Strict makes errors of the warnings that Check has about keys, types and
	// text that are ignored, so that the server does not start with them.
	Strict bool `json:"strict,omitempty"`

	file     string // that Load read; "" for Parse
	source   *node  // as parsed; nil for a Config made by hand
	trailing bool   // there was more after the JSON value
}

// A LintMode says which certificates are linted in full (RFC 5280 and RFC 5480
// rules); our own rules for names and ranges check every one in any case.
type LintMode string

// The lint modes. "" is LintShape.
const (
	LintAlways LintMode = "always" // each certificate
	LintShape  LintMode = "shape"  // the first of each shape of contents
	LintOff    LintMode = "off"
)

// Mode returns m, or the default for "".
func (m LintMode) Mode() LintMode {
	if m == "" {
		return LintShape
	}
	return LintMode(strings.ToLower(string(m)))
}

// DefaultDNSNames are the names of a server whose configuration has none.
func DefaultDNSNames() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// ServerNames returns the names of the server as its certificate has them: IPv6
// addresses without brackets, and the defaults if none are configured.
func (c *Config) ServerNames() []string {
	if c.DNSNames == nil {
		return DefaultDNSNames()
	}
	names := make([]string, len(c.DNSNames))
	for i, name := range c.DNSNames {
		names[i] = unbracketed(name)
	}
	return names
}

// unbracketed returns [::1] as ::1 and anything else as it is.
func unbracketed(name string) string {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return name
}

// ServerCommonName returns the subject common name of the server's own
// certificate.
func (c *Config) ServerCommonName() string {
	if c.CommonName == "" {
		return "Step Online CA"
	}
	return c.CommonName
}

// IsRA reports whether another CA signs: authority.type is not the built-in CA.
func (c *Config) IsRA() bool { return c.Authority.CAType() != SoftCAS }

// File returns the name of the file that was loaded, "" if there was none.
func (c *Config) File() string { return c.file }

// LogValue implements slog.LogValuer. Data sources, PINs and provisioners can
// hold secrets, so it shows only the file and the addresses.
func (c *Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("file", c.file), slog.String("address", c.Address))
}

// A KMS says where keys live that are not files.
type KMS struct {
	Type             string         `json:"type,omitempty"` // see KMS.Kind
	URI              string         `json:"uri,omitempty"`
	CredentialsFile  string         `json:"credentialsFile,omitempty"`
	PIN              keyfile.Secret `json:"pin,omitzero"`
	ManagementKey    keyfile.Secret `json:"managementKey,omitzero"` // hexadecimal
	Region           string         `json:"region,omitempty"`
	Profile          string         `json:"profile,omitempty"`
	StorageDirectory string         `json:"storageDirectory,omitempty"`
}

// Kind returns the type in lower case: the one given, else the scheme of the
// URI, else "softkms". A nil KMS is "softkms".
func (k *KMS) Kind() string {
	switch {
	case k == nil:
	case k.Type != "":
		return strings.ToLower(k.Type)
	case k.URI != "":
		scheme, _, _ := strings.Cut(k.URI, ":")
		return strings.ToLower(scheme)
	}
	return "softkms"
}

// A Logger says how requests are logged.
type Logger struct {
	Format      string `json:"format,omitempty"`      // text, json or common, in any case; "" is text
	TraceHeader string `json:"traceHeader,omitempty"` // where else a request ID may stand; "" is X-Smallstep-Id
}

// Monitoring names a service that is told of requests. The only type that the
// reference knows is newrelic.
type Monitoring struct {
	Type string         `json:"type,omitempty"`
	Name string         `json:"name,omitempty"`
	Key  keyfile.Secret `json:"key,omitzero"`
}
