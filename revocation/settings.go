package revocation

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/store"
)

// Settings are what Reload may change.
type Settings struct {
	// Issuers each have a list of their own. The first is the default: its list
	// has the certificates that are not on record.
	Issuers []Issuer

	// CRL says whether lists are made at all, and when, for issuers without
	// settings of their own.
	CRL CRLSettings

	// SSHUserKeys and SSHHostKeys are the CA keys whose certificates the KRL is
	// about; none means that there is no KRL.
	SSHUserKeys, SSHHostKeys []ssh.PublicKey
}

// CRLSettings are the section "crl" of ca.json.
type CRLSettings struct {
	Enabled bool

	// GenerateOnRevoke makes a list when something was revoked, rather than only
	// every RenewPeriod.
	GenerateOnRevoke bool

	CacheDuration time.Duration // NextUpdate − ThisUpdate, at least a second; zero means 24 hours
	RenewPeriod   time.Duration // age at which a list is replaced, at least a second; zero means ⅔ of CacheDuration
}

// An Issuer signs certificates and the list of those that it revoked.
type Issuer struct {
	Name        string
	Certificate *x509.Certificate
	Signer      crypto.Signer // of Certificate's key; nil if another CA signs, whose lists are its own business

	// IDPURL is where the list is to be found: the full name in the critical
	// extension issuingDistributionPoint, RFC 5280 §5.2.5. "" leaves that out.
	IDPURL string

	// CRL are its own settings; nil means Settings.CRL.
	CRL *CRLSettings
}

const defaultCacheDuration = 24 * time.Hour

// issuer is an Issuer that can sign lists.
type issuer struct {
	Issuer
	CRLSettings // in effect
	hash        store.IssuerHash
	algorithm   algorithm
}

// settings are Settings that were found to be good; they do not change.
type settings struct {
	issuers []*issuer
	sshKeys []krlKey
}

func newSettings(in Settings, keeps bool) (*settings, error) {
	st := &settings{sshKeys: newKRLKeys(in.SSHUserKeys, in.SSHHostKeys)}
	for _, i := range in.Issuers {
		iss := &issuer{Issuer: i, CRLSettings: in.CRL, hash: store.HashIssuer(i.Name)}
		if i.CRL != nil {
			iss.CRLSettings = *i.CRL
		}
		if err := iss.CRLSettings.complete(); err != nil {
			return nil, err
		}
		if iss.Enabled && !keeps {
			return nil, errors.New(`crl.enabled needs a database: add "db" to the configuration`)
		}
		if iss.makesLists() {
			if err := iss.init(); err != nil {
				return nil, fmt.Errorf("CRL of issuer %q: %w", i.Name, err)
			}
		}
		st.issuers = append(st.issuers, iss)
	}
	return st, nil
}

// complete puts defaults in the place of what is not set.
func (c *CRLSettings) complete() error {
	if c.CacheDuration <= 0 {
		c.CacheDuration = defaultCacheDuration
	}
	if c.RenewPeriod <= 0 {
		c.RenewPeriod = c.CacheDuration / 3 * 2
	}
	c.CacheDuration = max(c.CacheDuration.Truncate(time.Second), time.Second) // what a list can say
	c.RenewPeriod = max(c.RenewPeriod, time.Second)
	if c.RenewPeriod > c.CacheDuration {
		return errors.New("crl.cacheDuration must be greater than or equal to crl.renewPeriod")
	}
	return nil
}

// enabled reports whether any issuer has a list.
func (st *settings) enabled() bool {
	return slices.ContainsFunc(st.issuers, func(i *issuer) bool { return i.Enabled })
}

// makesLists reports whether its lists are wanted and made here.
func (i *issuer) makesLists() bool { return i.Enabled && i.Certificate != nil && i.Signer != nil }

// init checks what RFC 5280 §4.2.1.2 and §4.2.1.3 want of the certificate.
func (i *issuer) init() (err error) {
	switch {
	case i.Certificate.KeyUsage != 0 && i.Certificate.KeyUsage&x509.KeyUsageCRLSign == 0:
		return errors.New("its certificate lacks the key usage cRLSign")
	case len(i.Certificate.SubjectKeyId) == 0:
		return errors.New("its certificate lacks the subject key identifier")
	}
	i.algorithm, err = algorithmFor(i.Signer.Public())
	return err
}

// sameList reports whether lists of the two differ in nothing but their entries.
func (i *issuer) sameList(j *issuer) bool {
	return i.Name == j.Name && i.IDPURL == j.IDPURL && i.Certificate.Equal(j.Certificate)
}

// find returns the issuer of that name, "" for the default; or nil.
func (st *settings) find(name string) *issuer {
	for _, i := range st.issuers {
		if name == "" || i.Name == name {
			return i
		}
	}
	return nil
}

func (st *settings) defaultIssuer() string {
	if i := st.find(""); i != nil {
		return i.Name
	}
	return ""
}
