package va

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"

	"stepca/acme"
)

var (
	oidAIKCertificate      = asn1.ObjectIdentifier{2, 23, 133, 8, 3}
	oidTPMManufacturer     = asn1.ObjectIdentifier{2, 23, 133, 2, 1}
	oidTPMModel            = asn1.ObjectIdentifier{2, 23, 133, 2, 2}
	oidTPMVersion          = asn1.ObjectIdentifier{2, 23, 133, 2, 3}
	oidPermanentIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 3}
)

// checkAK checks an AK certificate against WebAuthn §8.3.1 and returns the
// permanent identifiers (RFC 4043) it has.
func checkAK(ak *x509.Certificate) (permanent []string, problem *acme.Problem) {
	const invalid = "AK certificate is not valid: "
	switch {
	case ak.Version != 3:
		return nil, bad(invalid+"AK certificate must have version 3; got %d", ak.Version)
	case len(ak.Subject.Names) > 0:
		return nil, bad(invalid+"AK certificate subject must be empty; got %q", clip(ak.Subject.String()))
	case ak.IsCA:
		return nil, bad(invalid + "AK certificate must not be a CA")
	case len(ak.ExtKeyUsage) == 0 && len(ak.UnknownExtKeyUsage) == 0:
		return nil, bad(invalid + "AK certificate is missing Extended Key Usage extension")
	case len(ak.UnknownExtKeyUsage) == 0 || !ak.UnknownExtKeyUsage[0].Equal(oidAIKCertificate):
		return nil, bad(invalid+"AK certificate is missing Extended Key Usage value tcg-kp-AIKCertificate (%s)", oidAIKCertificate)
	}
	names, err := generalNames(ak)
	if err != nil {
		return nil, bad(invalid + "its subject alternative name is malformed")
	}
	tpm := make(map[string]string)
	for _, name := range names {
		switch {
		case name.Class == asn1.ClassContextSpecific && name.Tag == tagDirectoryName:
			tpmAttributes(name.Bytes, tpm)
		case name.Class == asn1.ClassContextSpecific && name.Tag == tagOtherName:
			if id, ok := permanentIdentifier(name.Bytes); ok {
				permanent = append(permanent, id)
			}
		}
	}
	for _, attribute := range []struct {
		oid  asn1.ObjectIdentifier
		name string
	}{{oidTPMManufacturer, "manufacturer"}, {oidTPMModel, "model"}, {oidTPMVersion, "version"}} {
		if tpm[attribute.oid.String()] == "" {
			return nil, bad(invalid+"missing TPM %s", attribute.name)
		}
	}
	return permanent, nil
}

// tpmAttributes adds the string attributes of a directory name to m, by the
// text of their OID.
func tpmAttributes(der []byte, m map[string]string) {
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return // then they are missing
	}
	for _, rdn := range name {
		for _, attribute := range rdn {
			if s, ok := attribute.Value.(string); ok {
				m[attribute.Type.String()] = s
			}
		}
	}
}

// permanentIdentifier returns the value of an otherName that is a permanent
// identifier (RFC 4043 §2); der are the contents of the otherName.
func permanentIdentifier(der []byte) (string, bool) {
	var oid asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(der, &oid)
	if err != nil || !oid.Equal(oidPermanentIdentifier) {
		return "", false
	}
	var value struct {
		Value    string                `asn1:"optional,utf8"`
		Assigner asn1.ObjectIdentifier `asn1:"optional"`
	}
	if _, err := asn1.UnmarshalWithParams(rest, &value, "explicit,tag:0"); err != nil || value.Value == "" {
		return "", false
	}
	return value.Value, true
}
