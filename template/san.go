package template

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"

	"stepca/ca"
)

// Types of SAN beyond the four of ca.Identifier; the type may also be the dotted
// OID of an otherName.
const (
	sanAuto                = "auto"
	sanRegisteredID        = "registeredID"
	sanUserPrincipalName   = "userPrincipalName"
	sanPermanentIdentifier = "permanentIdentifier"
	sanHardwareModuleName  = "hardwareModuleName"
	sanDirectoryName       = "dn"
	sanX400Address         = "x400Address"
	sanEDIPartyName        = "ediPartyName"
)

// A SAN is a subject alternative name as templates write it. Types are
//
//	dns, email, ip, uri    the value
//	auto, ""               what ca.ParseSAN makes of the value
//	registeredID           an OID
//	userPrincipalName      an otherName of Microsoft's, UTF-8
//	permanentIdentifier    RFC 4043: the value, or ASN1Value {"identifier","assigner"}
//	hardwareModuleName     RFC 4108: ASN1Value {"type","serialNumber"}
//	dn                     directoryName: ASN1Value is a Name
//	an OID, as 1.2.3.4     an otherName; the value is in the language of EncodeValue
//
// spelled exactly so. A SAN with neither value nor ASN1Value is skipped.
type SAN struct {
	Type      string          `json:"type"`
	Value     string          `json:"value"`
	ASN1Value json.RawMessage `json:"asn1Value,omitempty"` // wins over Value
}

// NewSANs returns the names as template data.
func NewSANs(names []ca.Identifier) []SAN {
	sans := make([]SAN, len(names))
	for i, name := range names {
		sans[i] = SAN{Type: string(name.Type), Value: name.Value}
		if name.Type == ca.PermanentIdentifier {
			sans[i].Type = sanPermanentIdentifier
		}
	}
	return sans
}

func (s *SAN) isEmpty() bool {
	return s.Value == "" && (len(s.ASN1Value) == 0 || isNull(s.ASN1Value))
}

// isPlain reports whether package x509 can encode the name.
func (s *SAN) isPlain() bool {
	switch s.Type {
	case string(ca.DNS), string(ca.Email), string(ca.IP), string(ca.URI), sanAuto, "":
		return true
	}
	return false
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// setNames takes one of three ways: a subjectAltName extension of the template
// replaces all names; names that package x509 knows are left to it; and as soon
// as one is of another kind, the extension is written here, ahead of those of
// the template.
func (c *Certificate) setNames(cert *x509.Certificate) error {
	if findExtension(c.Extensions, oidSubjectAltName) != nil {
		return nil
	}
	for i := range c.SANs {
		if !c.SANs[i].isPlain() && !c.SANs[i].isEmpty() {
			return c.setExtendedNames(cert)
		}
	}
	cert.DNSNames = c.DNSNames
	cert.EmailAddresses = c.EmailAddresses
	cert.IPAddresses = c.IPAddresses
	cert.URIs = c.URIs
	return addPlainSANs(c.SANs, &plainNames{&cert.DNSNames, &cert.EmailAddresses, &cert.IPAddresses, &cert.URIs})
}

func (c *Certificate) setExtendedNames(cert *x509.Certificate) error {
	ext, err := encodeSANExtension(c.DNSNames, c.EmailAddresses, c.IPAddresses, c.URIs, c.SANs)
	if err != nil {
		return err
	}
	ext.Critical = hasEmptySubject(cert)
	cert.ExtraExtensions = append(cert.ExtraExtensions, ext)
	return nil
}

// plainNames points to the name lists of an x509.Certificate or
// x509.CertificateRequest.
type plainNames struct {
	dns    *[]string
	emails *[]string
	ips    *[]net.IP
	uris   *[]*url.URL
}

// addPlainSANs appends names to the lists, whose backing arrays it leaves alone.
func addPlainSANs(sans []SAN, to *plainNames) error {
	var dns, emails int
	for i := range sans {
		switch sans[i].plainType() {
		case ca.DNS:
			dns++
		case ca.Email:
			emails++
		}
	}
	*to.dns = grow(*to.dns, dns)
	*to.emails = grow(*to.emails, emails)
	*to.ips = (*to.ips)[:len(*to.ips):len(*to.ips)]
	*to.uris = (*to.uris)[:len(*to.uris):len(*to.uris)]
	for i := range sans {
		if err := sans[i].addTo(to); err != nil {
			return err
		}
	}
	return nil
}

// grow returns a copy of list with room for n more, or list itself if n is zero.
func grow(list []string, n int) []string {
	if n == 0 {
		return list
	}
	return append(make([]string, 0, len(list)+n), list...)
}

// plainType resolves auto.
func (s *SAN) plainType() ca.IdentifierType {
	if s.Type == sanAuto || s.Type == "" {
		return ca.ParseSAN(s.Value).Type
	}
	return ca.IdentifierType(s.Type)
}

func (s *SAN) addTo(to *plainNames) error {
	if s.Value == "" {
		return nil
	}
	switch s.plainType() {
	case ca.DNS:
		*to.dns = append(*to.dns, s.Value)
	case ca.Email:
		*to.emails = append(*to.emails, s.Value)
	case ca.IP:
		ip := net.ParseIP(s.Value)
		if ip == nil {
			return fmt.Errorf("subject alternative name %q is not an IP address", s.Value)
		}
		*to.ips = append(*to.ips, ip)
	case ca.URI:
		uri, err := url.Parse(s.Value)
		if err != nil {
			return fmt.Errorf("subject alternative name: %w", err)
		}
		*to.uris = append(*to.uris, uri)
	}
	return nil
}

// encodeSANExtension writes the extension from names of any kind.
func encodeSANExtension(dns, emails Strings, ips IPAddresses, uris URIs, sans []SAN) (pkix.Extension, error) {
	ext := pkix.Extension{Id: oidSubjectAltName}
	all := make([]SAN, 0, len(dns)+len(emails)+len(ips)+len(uris)+len(sans))
	for _, s := range dns {
		all = append(all, SAN{Type: string(ca.DNS), Value: s})
	}
	for _, s := range emails {
		all = append(all, SAN{Type: string(ca.Email), Value: s})
	}
	for _, ip := range ips {
		all = append(all, SAN{Type: string(ca.IP), Value: ip.String()})
	}
	for _, uri := range uris {
		all = append(all, SAN{Type: string(ca.URI), Value: uri.String()})
	}
	all = append(all, sans...)

	names := make([]GeneralName, 0, len(all))
	for i := range all {
		if all[i].isEmpty() {
			continue
		}
		name, err := all[i].GeneralName()
		if err != nil {
			return ext, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ext, errors.New("subject alternative name extension without names")
	}
	var err error
	ext.Value, err = MarshalGeneralNames(names)
	return ext, err
}
