package template

import (
	"crypto/x509"
	"encoding/json"
	"net"
)

// BasicConstraints is the extension of RFC 5280 §4.2.1.9.
type BasicConstraints struct {
	IsCA bool `json:"isCA"`
	// MaxPathLen limits the number of intermediates below a CA certificate; a
	// negative number sets no limit, and zero (or leaving it out) allows none.
	// Without IsCA it has no meaning and is dropped.
	MaxPathLen int `json:"maxPathLen"`
}

func (b *BasicConstraints) set(cert *x509.Certificate) {
	cert.BasicConstraintsValid = true
	cert.IsCA = b.IsCA
	switch {
	case !b.IsCA:
	case b.MaxPathLen == 0:
		cert.MaxPathLenZero = true
	case b.MaxPathLen < 0:
		cert.MaxPathLen = -1
	default:
		cert.MaxPathLen = b.MaxPathLen
	}
}

// basicConstraintsASN1 is the value of the extension.
type basicConstraintsASN1 struct {
	IsCA       bool `asn1:"optional"`
	MaxPathLen int  `asn1:"optional,default:-1"`
}

func (b *BasicConstraints) asn1() basicConstraintsASN1 {
	if !b.IsCA || b.MaxPathLen < 0 {
		return basicConstraintsASN1{IsCA: b.IsCA, MaxPathLen: -1}
	}
	return basicConstraintsASN1{IsCA: true, MaxPathLen: b.MaxPathLen}
}

// NameConstraints is the extension of RFC 5280 §4.2.1.10.
type NameConstraints struct {
	Critical                bool       `json:"critical"`
	PermittedDNSDomains     Strings    `json:"permittedDNSDomains"`
	ExcludedDNSDomains      Strings    `json:"excludedDNSDomains"`
	PermittedIPRanges       IPNetworks `json:"permittedIPRanges"`
	ExcludedIPRanges        IPNetworks `json:"excludedIPRanges"`
	PermittedEmailAddresses Strings    `json:"permittedEmailAddresses"`
	ExcludedEmailAddresses  Strings    `json:"excludedEmailAddresses"`
	PermittedURIDomains     Strings    `json:"permittedURIDomains"`
	ExcludedURIDomains      Strings    `json:"excludedURIDomains"`
}

func (n *NameConstraints) set(cert *x509.Certificate) {
	cert.PermittedDNSDomainsCritical = n.Critical
	cert.PermittedDNSDomains = n.PermittedDNSDomains
	cert.ExcludedDNSDomains = n.ExcludedDNSDomains
	cert.PermittedIPRanges = n.PermittedIPRanges
	cert.ExcludedIPRanges = n.ExcludedIPRanges
	cert.PermittedEmailAddresses = n.PermittedEmailAddresses
	cert.ExcludedEmailAddresses = n.ExcludedEmailAddresses
	cert.PermittedURIDomains = n.PermittedURIDomains
	cert.ExcludedURIDomains = n.ExcludedURIDomains
}

// IPNetworks is a list of address ranges, which JSON writes in CIDR form.
type IPNetworks []*net.IPNet

// UnmarshalJSON implements json.Unmarshaler.
func (n *IPNetworks) UnmarshalJSON(data []byte) error {
	var cidrs Strings
	if err := json.Unmarshal(data, &cidrs); err != nil {
		return err
	}
	*n = nil
	for _, cidr := range cidrs {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		*n = append(*n, network)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (n IPNetworks) MarshalJSON() ([]byte, error) {
	if n == nil {
		return []byte("null"), nil
	}
	cidrs := make([]string, len(n))
	for i, network := range n {
		cidrs[i] = network.String()
	}
	return json.Marshal(cidrs)
}
