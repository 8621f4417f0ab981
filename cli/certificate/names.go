package certificate

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// attributeNames are the names of attribute types of distinguished names: short
// ones as OpenSSL and RFC 4514 have them, long ones as the JSON form has them.
var attributeNames = map[string]struct{ short, long string }{
	"2.5.4.3":                    {"CN", "common_name"},
	"2.5.4.4":                    {"SN", "surname"},
	"2.5.4.5":                    {"serialNumber", "serial_number"},
	"2.5.4.6":                    {"C", "country"},
	"2.5.4.7":                    {"L", "locality"},
	"2.5.4.8":                    {"ST", "province"},
	"2.5.4.9":                    {"street", "street_address"},
	"2.5.4.10":                   {"O", "organization"},
	"2.5.4.11":                   {"OU", "organizational_unit"},
	"2.5.4.12":                   {"title", "title"},
	"2.5.4.15":                   {"businessCategory", "business_category"},
	"2.5.4.17":                   {"postalCode", "postal_code"},
	"2.5.4.42":                   {"GN", "given_name"},
	"2.5.4.97":                   {"organizationIdentifier", "organization_id"},
	"0.9.2342.19200300.100.1.1":  {"UID", "user_id"},
	"0.9.2342.19200300.100.1.25": {"DC", "domain_component"},
	"1.2.840.113549.1.9.1":       {"emailAddress", "email_address"},
	"1.3.6.1.4.1.311.60.2.1.1":   {"jurisdictionLocalityName", "jurisdiction_locality"},
	"1.3.6.1.4.1.311.60.2.1.2":   {"jurisdictionStateOrProvinceName", "jurisdiction_province"},
	"1.3.6.1.4.1.311.60.2.1.3":   {"jurisdictionCountryName", "jurisdiction_country"},
}

// dn writes a distinguished name in the order of its encoding.
func dn(name pkix.Name) string {
	parts := make([]string, len(name.Names))
	for i, attribute := range name.Names {
		parts[i] = attributeName(attribute.Type) + "=" + printable(fmt.Sprint(attribute.Value))
	}
	return strings.Join(parts, ",")
}

func attributeName(oid asn1.ObjectIdentifier) string {
	if names, ok := attributeNames[oid.String()]; ok {
		return names.short
	}
	return oid.String()
}

// printable keeps what a stranger put into a certificate from moving the cursor,
// starting a line of its own, or changing the colours of the reader's terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, s)
}
