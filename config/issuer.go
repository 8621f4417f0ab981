package config

import (
	"time"

	"stepca/ca"
	"stepca/keyfile"
)

// DefaultIssuer is the name of the issuer that the top-level keys crt and key
// configure.
const DefaultIssuer = "default"

// An IssuerState says what an issuer is used for.
type IssuerState string

// The states. "" is IssuerActive.
const (
	IssuerStaged  IssuerState = "staged"  // clients learn of it, it issues nothing
	IssuerActive  IssuerState = "active"  // issues
	IssuerRetired IssuerState = "retired" // issues nothing, but still signs CRLs and OCSP responses
)

// An Issuer is a certificate chain and a key that sign certificates.
type Issuer struct {
	Name     string         `json:"name"`
	Root     Strings        `json:"root,omitempty"` // files with its roots, besides those of Config.Root
	Crt      string         `json:"crt"`            // chain, issuing certificate first
	Key      string         `json:"key"`            // file or name of a key in the KMS
	Password keyfile.Secret `json:"password,omitzero"`
	State    IssuerState    `json:"state,omitempty"`

	// CRL, OCSP and AIA are those of Config where they are nil.
	CRL  *CRL  `json:"crl,omitempty"`
	OCSP *OCSP `json:"ocsp,omitempty"`
	AIA  *AIA  `json:"aia,omitempty"`
}

// AllIssuers returns the issuer "default", if the top-level keys configure it,
// and then the others, with the settings that apply to each filled in.
func (c *Config) AllIssuers() []Issuer {
	var all []Issuer
	if c.Crt != "" || c.Key != "" {
		all = append(all, Issuer{Name: DefaultIssuer, Crt: c.Crt, Key: c.Key, State: IssuerActive})
	}
	all = append(all, c.Issuers...)
	for i := range all {
		is := &all[i]
		if is.State == "" {
			is.State = IssuerActive
		}
		if is.Password.IsZero() {
			is.Password = c.Password
		}
		if is.CRL == nil {
			is.CRL = c.CRL
		}
		if is.OCSP == nil {
			is.OCSP = c.OCSP
		}
		if is.AIA == nil {
			is.AIA = c.AIA
		}
	}
	return all
}

// DefaultCRLCache is how long a CRL is good for when the file does not say.
const DefaultCRLCache = 24 * time.Hour

// A CRL says how revocation lists are made.
type CRL struct {
	Enabled          bool        `json:"enabled"`
	GenerateOnRevoke bool        `json:"generateOnRevoke,omitempty"`
	CacheDuration    ca.Duration `json:"cacheDuration,omitzero"` // see Cache
	RenewPeriod      ca.Duration `json:"renewPeriod,omitzero"`   // see Renew
	IDPURL           string      `json:"idpURL,omitempty"`       // as in the distribution points of certificates; "": the list has none
}

// IsEnabled reports whether lists are made; a nil CRL makes none.
func (c *CRL) IsEnabled() bool { return c != nil && c.Enabled }

// Cache returns NextUpdate − ThisUpdate: CacheDuration if it is positive, else
// DefaultCRLCache.
func (c *CRL) Cache() time.Duration {
	if d := time.Duration(c.CacheDuration); d > 0 {
		return d
	}
	return DefaultCRLCache
}

// Renew returns the time from one list to the next: RenewPeriod if it is
// positive, else two thirds of Cache.
func (c *CRL) Renew() time.Duration {
	if d := time.Duration(c.RenewPeriod); d > 0 {
		return d
	}
	return c.Cache() / 3 * 2
}

// An OCSP says whether and how certificate status requests (RFC 6960) are
// answered.
type OCSP struct {
	Enabled  bool        `json:"enabled"`
	Validity ca.Duration `json:"validity,omitzero"` // NextUpdate − ThisUpdate
}

// IsEnabled reports whether requests are answered; a nil OCSP answers none.
func (o *OCSP) IsEnabled() bool { return o != nil && o.Enabled }

// An AIA has the URLs that issued certificates carry unless their template
// writes its own: authority information access (RFC 5280 §4.2.2.1) and CRL
// distribution points (§4.2.1.13).
type AIA struct {
	OCSP      Strings `json:"ocsp,omitempty"`
	CAIssuers Strings `json:"caIssuers,omitempty"`
	CRL       Strings `json:"crl,omitempty"`
}
