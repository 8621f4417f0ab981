package va

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
)

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// The tags of GeneralName that are looked at (RFC 5280 §4.2.1.6).
const (
	tagOtherName     = 0
	tagDNSName       = 2
	tagDirectoryName = 4
	tagIPAddress     = 7
)

// generalNames returns the subject alternative names of a certificate, also of the
// types that crypto/x509 passes over; nil if it has none.
func generalNames(crt *x509.Certificate) ([]asn1.RawValue, error) {
	for _, ext := range crt.Extensions { // of each type at most one: crypto/x509 checks
		if !ext.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		rest, err := asn1.Unmarshal(ext.Value, &names)
		if err == nil && len(rest) > 0 {
			err = errors.New("trailing data after the subject alternative name")
		}
		return names, err
	}
	return nil, nil
}
