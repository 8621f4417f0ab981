package provisioner

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
)

// The challenges an ACME provisioner may allow: those of RFC 8555 §8, RFC 8737
// and the drafts draft-ietf-acme-device-attest, -dns-account-label and
// -dns-persist. The last two are this system's addition, off unless configured.
const (
	ChallengeHTTP01         = "http-01"
	ChallengeDNS01          = "dns-01"
	ChallengeTLSALPN01      = "tls-alpn-01"
	ChallengeDeviceAttest01 = "device-attest-01"
	ChallengeDNSAccount01   = "dns-account-01"
	ChallengeDNSPersist01   = "dns-persist-01"
)

// The formats of attestation statements that device-attest-01 knows.
const (
	AttestationApple      = "apple"
	AttestationStep       = "step"
	AttestationTPM        = "tpm"
	AttestationAndroidKey = "android-key"
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
	// http-01, dns-01 and tls-alpn-01.
	Challenges []string `json:"challenges,omitempty"`

	// AttestationFormats are the attestation statements accepted, in any case;
	// empty means apple, step and tpm.
	AttestationFormats []string `json:"attestationFormats,omitempty"`

	// AttestationRoots is PEM; empty means the built-in roots of the vendors.
	AttestationRoots []byte `json:"attestationRoots,omitempty"`

	// RequirePermanentIdentifier refuses tpm attestations whose certificate names no
	// device. Compatible: the reference accepts them for any identifier, which is
	// safe only if the attestation CA knows whom it certifies.
	RequirePermanentIdentifier bool `json:"requirePermanentIdentifier,omitempty"`

	// Devices are the permanent identifiers that may be ordered; empty means any that
	// a device proves to be its own, whoever owns it.
	Devices []string `json:"devices,omitempty"`

	// RenewalWindows make clients that ask (RFC 9773) renew certificates early. The
	// first that takes a certificate counts.
	RenewalWindows []RenewalWindow `json:"renewalWindows,omitempty"`

	// Profiles are kinds of certificates that clients can order by name.
	// DefaultProfile is that of orders that name none; "" gives them what the
	// provisioner's own settings say, under no name.
	Profiles       map[string]*Profile `json:"profiles,omitempty"`
	DefaultProfile string              `json:"defaultProfile,omitempty"`

	Settings

	roots []*x509.Certificate
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
		if err := checkChallenge(strings.ToLower(c)); err != nil {
			return err
		}
	}
	for _, f := range p.AttestationFormats {
		switch strings.ToLower(f) {
		case AttestationApple, AttestationStep, AttestationTPM, AttestationAndroidKey:
		default:
			return fmt.Errorf("acme attestation format %q is not supported", f)
		}
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
	var err error
	if p.roots, err = parseAttestationRoots(p.AttestationRoots); err != nil {
		return err
	}
	if err := p.prepareSettings(s, &p.Settings); err != nil {
		return err
	}
	return p.prepareProfiles(s)
}

func checkChallenge(challenge string) error {
	switch challenge {
	case ChallengeHTTP01, ChallengeDNS01, ChallengeTLSALPN01, ChallengeDeviceAttest01, ChallengeDNSAccount01, ChallengeDNSPersist01:
		return nil
	case "wire-oidc-01", "wire-dpop-01":
		return fmt.Errorf("acme challenge %q is not supported by this version", challenge)
	}
	return fmt.Errorf("acme challenge %q is not supported", challenge)
}

func parseAttestationRoots(data []byte) ([]*x509.Certificate, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var roots []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("error parsing attestationRoots: malformed certificate")
		}
		roots = append(roots, root)
	}
	if len(roots) == 0 {
		return nil, errors.New("error parsing attestationRoots: no certificates found")
	}
	return roots, nil
}

// Offers reports whether the provisioner allows a type of challenge.
func (p *ACME) Offers(challenge string) bool {
	if len(p.Challenges) == 0 {
		return challenge == ChallengeHTTP01 || challenge == ChallengeDNS01 || challenge == ChallengeTLSALPN01
	}
	return containsFold(p.Challenges, challenge)
}

// AcceptsAttestation reports whether the provisioner accepts a format of
// attestation statements.
func (p *ACME) AcceptsAttestation(format string) bool {
	if len(p.AttestationFormats) == 0 {
		return format == AttestationApple || format == AttestationStep || format == AttestationTPM
	}
	return containsFold(p.AttestationFormats, format)
}

// AllowsDevice reports whether a permanent identifier may be ordered.
func (p *ACME) AllowsDevice(identifier string) bool {
	return len(p.Devices) == 0 || slices.Contains(p.Devices, identifier)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
}

// Roots returns the configured attestation roots, nil for the built-in ones.
func (p *ACME) Roots() []*x509.Certificate { return p.roots }

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
