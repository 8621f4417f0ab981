package certificate

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"time"
)

// A judgedCRL is a revocation list, and what is wrong with it.
type judgedCRL struct {
	*x509.RevocationList
	reason string // "" for a valid list
}

// judge checks a list as whoever relies on it would (RFC 5280 §6.3.3): one of
// the certificates has signed it and was allowed to, and none is out of date.
func judge(list *x509.RevocationList, issuers []*x509.Certificate, now time.Time) *judgedCRL {
	j := &judgedCRL{RevocationList: list}
	issuer := signerOf(list, issuers)
	switch {
	case len(issuers) == 0:
		j.reason = "Signature not checked, there is no CA certificate"
	case issuer == nil:
		j.reason = "Signature does not match"
	case now.Before(list.ThisUpdate):
		j.reason = "CRL is not valid yet"
	case !list.NextUpdate.IsZero() && now.After(list.NextUpdate):
		j.reason = "CRL has expired"
	case now.After(issuer.NotAfter):
		j.reason = "CA certificate has expired"
	}
	return j
}

// signerOf returns the certificate that signed the list; nil if none did.
func signerOf(list *x509.RevocationList, issuers []*x509.Certificate) *x509.Certificate {
	for _, issuer := range issuers {
		if issuer.KeyUsage&x509.KeyUsageCRLSign == 0 || !bytes.Equal(issuer.RawSubject, list.RawIssuer) {
			continue
		}
		if len(issuer.SubjectKeyId) > 0 && len(list.AuthorityKeyId) > 0 && !bytes.Equal(issuer.SubjectKeyId, list.AuthorityKeyId) {
			continue
		}
		if list.CheckSignatureFrom(issuer) == nil {
			return issuer
		}
	}
	return nil
}

func (j *judgedCRL) valid() bool { return j.reason == "" }

// format returns the list in one of the formats of --format.
func (j *judgedCRL) format(format string) ([]byte, error) {
	switch format {
	case "json":
		return j.json()
	case "pem":
		return pem.EncodeToMemory(&pem.Block{Type: crlBlock, Bytes: j.Raw}), nil
	}
	return j.text(), nil
}

// crlVersion is the version of lists with extensions, which crypto/x509 requires.
const crlVersion = 2

// reasonNames are the names of reason codes (RFC 5280 §5.3.1).
var reasonNames = map[int]string{
	0: "Unspecified", 1: "Key Compromise", 2: "CA Compromise", 3: "Affiliation Changed", 4: "Superseded",
	5: "Cessation Of Operation", 6: "Certificate Hold", 8: "Remove From CRL", 9: "Privilege Withdrawn", 10: "AA Compromise",
}

func reasonName(code int) string {
	if name := reasonNames[code]; name != "" {
		return name
	}
	return fmt.Sprintf("Unknown (%d)", code)
}

// Extensions of lists and their entries (RFC 5280 §5.2, §5.3).
const (
	oidCRLNumber                = "2.5.29.20"
	oidReasonCode               = "2.5.29.21"
	oidIssuingDistributionPoint = "2.5.29.28"
	oidAuthorityKeyID           = "2.5.29.35"
)

// An issuingDistributionPoint says which certificates a list is about (RFC 5280
// §5.2.5).
type issuingDistributionPoint struct {
	DistributionPoint struct {
		FullName []asn1.RawValue `asn1:"optional,tag:0"`
	} `asn1:"optional,tag:0"`
	OnlyUserCerts      bool           `asn1:"optional,tag:1"`
	OnlyCACerts        bool           `asn1:"optional,tag:2"`
	OnlySomeReasons    asn1.BitString `asn1:"optional,tag:3"`
	Indirect           bool           `asn1:"optional,tag:4"`
	OnlyAttributeCerts bool           `asn1:"optional,tag:5"`
}

// parseIssuingDistributionPoint reports false for a value in no form we know.
func parseIssuingDistributionPoint(value []byte) (idp issuingDistributionPoint, ok bool) {
	rest, err := asn1.Unmarshal(value, &idp)
	return idp, err == nil && len(rest) == 0
}

// urls are the URIs among the names of the distribution point.
func (idp *issuingDistributionPoint) urls() []string {
	const uri = 6 // uniformResourceIdentifier of GeneralName
	var urls []string
	for _, name := range idp.DistributionPoint.FullName {
		if name.Class == asn1.ClassContextSpecific && name.Tag == uri {
			urls = append(urls, string(name.Bytes))
		}
	}
	return urls
}
