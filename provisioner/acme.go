package provisioner

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
)

// An ACME provisioner is the configuration of an ACME server (RFC 8555) at
// /acme/<name>/. It has no tokens: the protocol vouches for names.
type ACME struct {
	Named

	// ForceCN sets an empty common name to the first DNS name.
	ForceCN bool `json:"forceCN,omitempty"`

	// TermsOfService, Website and CAAIdentities are shown in the directory's
	// meta object (RFC 8555 §7.1.1). The last are also the names that CAA
	// records (RFC 8659) may have for this CA.
	TermsOfService string   `json:"termsOfService,omitempty"`
	Website        string   `json:"website,omitempty"`
	CAAIdentities  []string `json:"caaIdentities,omitempty"`

	// RequireTermsOfService makes accounts only for clients that say they agree to
	// TermsOfService (RFC 8555 §7.3). Compatible: the reference makes them all the
	// same, and so do we unless this is set.
	RequireTermsOfService bool `json:"requireTermsOfService,omitempty"`

	// CheckCAA refuses names whose CAA records do not let one of CAAIdentities
	// issue. Compatible: the reference never looks, so it is off by default.
	CheckCAA bool `json:"checkCAA,omitempty"`

	// RequireEAB asks new accounts for an external account binding.
	RequireEAB bool `json:"requireEAB,omitempty"`

	// Challenges are the challenge types offered, in any case; empty means
	// http-01, dns-01 and tls-alpn-01. dns-account-01 and dns-persist-01 are this
	// system's addition; the latter needs CAAIdentities, which its records name.
	Challenges []string `json:"challenges,omitempty"`

	DeviceAttestation

	// RenewalWindows make clients that ask (RFC 9773) renew certificates early. The
	// first that takes a certificate counts.
	RenewalWindows []RenewalWindow `json:"renewalWindows,omitempty"`

	// Profiles are kinds of certificates that clients can order by name.
	// DefaultProfile is that of orders that name none; "" gives them what the
	// provisioner's own settings say, under no name.
	Profiles       map[string]*Profile `json:"profiles,omitempty"`
	DefaultProfile string              `json:"defaultProfile,omitempty"`

	Settings
}

// TokenID returns "acme/<name>".
func (p *ACME) TokenID() string { return "acme/" + p.Name }

// Ref implements Provisioner.
func (p *ACME) Ref() ca.ProvisionerRef { return p.ref(ca.TypeACME, p.TokenID()) }

// MarshalJSON implements json.Marshaler.
func (p *ACME) MarshalJSON() ([]byte, error) {
	type plain ACME
	return p.marshal((*plain)(p))
}

func (p *ACME) prepare(s *setup) error {
	for _, c := range p.Challenges {
		if err := checkChallenge(c); err != nil {
			return err
		}
	}
	if p.Offers(ca.DNSPersist01) && len(p.CAAIdentities) == 0 {
		return errors.New("the challenge dns-persist-01 needs caaIdentities, the names that its records have for this authority")
	}
	if err := p.prepareAttestation(); err != nil {
		return err
	}
	if p.CheckCAA && len(p.CAAIdentities) == 0 {
		return errors.New("checkCAA needs caaIdentities, the names that CAA records may have for this authority")
	}
	if p.RequireTermsOfService && p.TermsOfService == "" {
		return errors.New("requireTermsOfService needs termsOfService, the URL of what clients have to agree to")
	}
	if err := p.prepareRenewalWindows(); err != nil {
		return err
	}
	if err := p.prepareSettings(s, &p.Settings); err != nil {
		return err
	}
	return p.prepareProfiles(s)
}

func checkChallenge(challenge string) error {
	switch lower := strings.ToLower(challenge); {
	case slices.Contains(ca.ChallengeTypes(), ca.ChallengeType(lower)):
		return nil
	case lower == "wire-oidc-01", lower == "wire-dpop-01":
		return fmt.Errorf("acme challenge %q is not supported by this version", challenge)
	}
	return fmt.Errorf("acme challenge %q is not supported", challenge)
}

// Offers reports whether the provisioner allows a type of challenge.
func (p *ACME) Offers(challenge ca.ChallengeType) bool {
	if len(p.Challenges) == 0 {
		return challenge == ca.HTTP01 || challenge == ca.DNS01 || challenge == ca.TLSALPN01
	}
	return containsFold(p.Challenges, string(challenge))
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
}

// OrderGrant returns what the certificate of an order with a profile ("" for none)
// may be, without names: the ACME server, which knows the order's, adds them, and
// template data with its own variables where it has some. It reports false if there
// is no such profile.
func (p *ACME) OrderGrant(profile string) (*ca.Grant, bool) {
	grant := p.ownGrant()
	if profile == "" {
		return grant, true
	}
	chosen := p.Profiles[profile]
	if chosen == nil {
		return nil, false
	}
	grant.Limits = chosen.limits
	grant.Template.Source, grant.TemplateData = chosen.template.Source, chosen.template.Data
	if chosen.Issuer != "" {
		grant.Issuer = chosen.Issuer
	}
	return grant, true
}

// ownGrant is that of an order without a profile.
func (p *ACME) ownGrant() *ca.Grant {
	return &ca.Grant{
		Operation:    ca.SignX509,
		Provisioner:  p.Ref(),
		Extension:    p.extension(ca.TypeACME, ""),
		Issuer:       p.issuer,
		Limits:       p.rules.TLS,
		ForceCN:      p.ForceCN,
		Template:     ca.Template{Default: ca.TemplateLeaf, Source: p.templates.x509.Source},
		TemplateData: p.templates.x509.Data,
	}
}

// AuthorizeRenew implements RenewAuthorizer.
func (p *ACME) AuthorizeRenew(_ context.Context, crt *x509.Certificate) (*ca.Grant, error) {
	return p.renewGrant(p.Ref(), crt)
}
