package template

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
)

var (
	oidEmailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// A Name is a distinguished name as templates write it: an object, or a string
// that is the common name. Several values of one attribute share one multi-valued
// RDN. The RDNs stand in the order C, ST, L, street, postalCode, O, OU, CN,
// serialNumber, then ExtraNames.
type Name struct {
	Country            Strings     `json:"country,omitempty"`
	Organization       Strings     `json:"organization,omitempty"`
	OrganizationalUnit Strings     `json:"organizationalUnit,omitempty"`
	Locality           Strings     `json:"locality,omitempty"`
	Province           Strings     `json:"province,omitempty"`
	StreetAddress      Strings     `json:"streetAddress,omitempty"`
	PostalCode         Strings     `json:"postalCode,omitempty"`
	SerialNumber       string      `json:"serialNumber,omitempty"`
	CommonName         string      `json:"commonName,omitempty"`
	ExtraNames         []Attribute `json:"extraNames,omitempty"`
}

// An Attribute is an attribute of a distinguished name (RFC 5280 §4.1.2.4). One
// with the type of an attribute that Name has a field for replaces that field.
type Attribute struct {
	Type  OID `json:"type"`
	Value any `json:"value"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Name) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*n = Name{}
		return json.Unmarshal(data, &n.CommonName)
	}
	type object Name
	return json.Unmarshal(data, (*object)(n))
}

// NewName returns the name as templates see it. ExtraNames takes those of name,
// and for a name that was parsed the attributes without a field of their own.
func NewName(name pkix.Name) Name {
	n := Name{
		Country:            name.Country,
		Organization:       name.Organization,
		OrganizationalUnit: name.OrganizationalUnit,
		Locality:           name.Locality,
		Province:           name.Province,
		StreetAddress:      name.StreetAddress,
		PostalCode:         name.PostalCode,
		SerialNumber:       name.SerialNumber,
		CommonName:         name.CommonName,
	}
	for _, atv := range name.ExtraNames {
		n.ExtraNames = append(n.ExtraNames, Attribute{Type: OID(atv.Type), Value: atv.Value})
	}
	if name.ExtraNames != nil {
		return n
	}
	for _, atv := range name.Names {
		if !hasField(atv.Type) {
			n.ExtraNames = append(n.ExtraNames, Attribute{Type: OID(atv.Type), Value: atv.Value})
		}
	}
	return n
}

// hasField reports whether an attribute type is kept in a field of pkix.Name.
func hasField(oid asn1.ObjectIdentifier) bool {
	if len(oid) != 4 || oid[0] != 2 || oid[1] != 5 || oid[2] != 4 {
		return false
	}
	switch oid[3] {
	case 3, 5, 6, 7, 8, 9, 10, 11, 17:
		return true
	}
	return false
}

// IsZero reports whether the name has no attribute.
func (n *Name) IsZero() bool {
	return n.CommonName == "" && n.SerialNumber == "" && len(n.Country) == 0 &&
		len(n.Organization) == 0 && len(n.OrganizationalUnit) == 0 && len(n.Locality) == 0 &&
		len(n.Province) == 0 && len(n.StreetAddress) == 0 && len(n.PostalCode) == 0 &&
		len(n.ExtraNames) == 0
}

// FillFrom sets the attributes that n lacks to those of defaults, ExtraNames
// and PostalCode excepted.
func (n *Name) FillFrom(defaults *Name) {
	for _, f := range []struct{ to, from *Strings }{
		{&n.Country, &defaults.Country},
		{&n.Organization, &defaults.Organization},
		{&n.OrganizationalUnit, &defaults.OrganizationalUnit},
		{&n.Locality, &defaults.Locality},
		{&n.Province, &defaults.Province},
		{&n.StreetAddress, &defaults.StreetAddress},
	} {
		if len(*f.to) == 0 {
			*f.to = *f.from
		}
	}
	if n.SerialNumber == "" {
		n.SerialNumber = defaults.SerialNumber
	}
	if n.CommonName == "" {
		n.CommonName = defaults.CommonName
	}
}

// PKIX returns the name for package x509. Empty strings are left out, because an
// attribute value has at least one character (X.520).
func (n *Name) PKIX() (pkix.Name, error) {
	name := pkix.Name{
		Country:            withoutEmpty(n.Country),
		Organization:       withoutEmpty(n.Organization),
		OrganizationalUnit: withoutEmpty(n.OrganizationalUnit),
		Locality:           withoutEmpty(n.Locality),
		Province:           withoutEmpty(n.Province),
		StreetAddress:      withoutEmpty(n.StreetAddress),
		PostalCode:         withoutEmpty(n.PostalCode),
		SerialNumber:       n.SerialNumber,
		CommonName:         n.CommonName,
	}
	for _, a := range n.ExtraNames {
		atv, err := a.pkix()
		if err != nil {
			return pkix.Name{}, err
		}
		name.ExtraNames = append(name.ExtraNames, atv)
		if cn, ok := atv.Value.(string); ok && atv.Type.Equal(oidCommonName) {
			name.CommonName = cn // which it replaces; so the field says what is signed
		}
	}
	return name, nil
}

// CommonNames returns every common name that the subject of cert will have, or
// has if it was parsed. It has more than one if a template writes several RDNs,
// and x509.Certificate.Subject.CommonName is but one of them.
func CommonNames(cert *x509.Certificate) ([]string, error) {
	rdns := cert.Subject.ToRDNSequence()
	if len(cert.RawSubject) > 0 {
		rdns = nil
		if err := unmarshalAll(cert.RawSubject, &rdns); err != nil {
			return nil, fmt.Errorf("subject: %w", err)
		}
	}
	var names []string
	for _, rdn := range rdns {
		for _, atv := range rdn {
			if atv.Type.Equal(oidCommonName) {
				names = append(names, fmt.Sprint(atv.Value))
			}
		}
	}
	return names, nil
}

// pkix encodes an e-mail address as the IA5String that PKCS #9 prescribes, and
// leaves the choice between PrintableString and UTF8String to encoding/asn1.
func (a Attribute) pkix() (pkix.AttributeTypeAndValue, error) {
	atv := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier(a.Type)}
	if len(a.Type) == 0 {
		return atv, errors.New("an attribute of extraNames has no type")
	}
	s, ok := a.Value.(string)
	if !ok {
		return atv, fmt.Errorf("the value of attribute %v in extraNames is not a string", atv.Type)
	}
	atv.Value = s
	if atv.Type.Equal(oidEmailAddress) {
		if err := checkIA5(s); err != nil {
			return atv, fmt.Errorf("e-mail address %q in extraNames: %w", s, err)
		}
		atv.Value = asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(s)}
	}
	return atv, nil
}

func withoutEmpty(list Strings) []string {
	for i, s := range list {
		if s != "" {
			continue
		}
		kept := append([]string(nil), list[:i]...)
		for _, s := range list[i:] {
			if s != "" {
				kept = append(kept, s)
			}
		}
		return kept
	}
	return list
}

// parseName parses the DER encoding of a distinguished name.
func parseName(der []byte) (pkix.Name, error) {
	var rdns pkix.RDNSequence
	rest, err := asn1.Unmarshal(der, &rdns)
	if err != nil {
		return pkix.Name{}, fmt.Errorf("not a DER distinguished name: %w", err)
	}
	if len(rest) > 0 {
		return pkix.Name{}, errors.New("trailing data after the DER distinguished name")
	}
	var name pkix.Name
	name.FillFromRDNSequence(&rdns)
	return name, nil
}

// emptyNameDER is the encoding of a name without attributes.
var emptyNameDER = []byte{0x30, 0x00}

func isEmptyNameDER(der []byte) bool { return bytes.Equal(der, emptyNameDER) }
