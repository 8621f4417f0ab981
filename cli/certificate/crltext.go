package certificate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
)

// text writes the list much as openssl crl -text does.
func (j *judgedCRL) text() []byte {
	var w textWriter
	w.line(0, "Certificate Revocation List (CRL):")
	w.line(4, "Data:")
	w.line(8, "Valid: %t", j.valid())
	if !j.valid() {
		w.line(8, "Reason: %s", j.reason)
	}
	w.line(8, "Version: %d (%#x)", crlVersion, crlVersion-1)
	w.line(4, "Signature algorithm: %s", j.SignatureAlgorithm)
	w.line(8, "Issuer: %s", dn(j.Issuer))
	w.line(8, "Last Update: %s", j.ThisUpdate.UTC())
	if !j.NextUpdate.IsZero() {
		w.line(8, "Next Update: %s", j.NextUpdate.UTC())
	}
	if len(j.Extensions) > 0 {
		w.line(8, "CRL Extensions:")
		w.extensions(j.Extensions, j.extensionTexts())
	}
	if len(j.RevokedCertificateEntries) == 0 {
		w.line(0, "No Revoked Certificates.")
	} else {
		w.line(0, "Revoked Certificates:")
	}
	for i := range j.RevokedCertificateEntries {
		w.revoked(&j.RevokedCertificateEntries[i])
	}
	w.signature(j.SignatureAlgorithm, j.Signature)
	return w.Bytes()
}

func (w *textWriter) revoked(entry *x509.RevocationListEntry) {
	w.line(4, "Serial Number: %d (%#x)", entry.SerialNumber, entry.SerialNumber)
	w.line(8, "Revocation Date: %s", entry.RevocationTime.UTC())
	if len(entry.Extensions) > 0 {
		w.line(8, "CRL Entry Extensions:")
		w.extensions(entry.Extensions, extensionTexts{
			oidReasonCode: {"X509v3 CRL Reason Code", fixed(reasonName(entry.ReasonCode))},
		})
	}
}

func (j *judgedCRL) extensionTexts() extensionTexts {
	texts := extensionTexts{
		oidAuthorityKeyID:           {"X509v3 Authority Key Identifier", fixed("keyid:" + colonHex(j.AuthorityKeyId, "%02X"))},
		oidIssuingDistributionPoint: {"X509v3 Issuing Distribution Point", issuingDistributionPointLines},
	}
	if j.Number != nil {
		texts[oidCRLNumber] = extensionText{"X509v3 CRL Number", fixed(j.Number.String())}
	}
	return texts
}

func issuingDistributionPointLines(ext pkix.Extension) []string {
	idp, ok := parseIssuingDistributionPoint(ext.Value)
	if !ok {
		return nil
	}
	lines := prefixed("Full Name: URI:", idp.urls())
	for _, only := range []struct {
		set  bool
		text string
	}{
		{idp.OnlyUserCerts, "Only User Certificates"},
		{idp.OnlyCACerts, "Only CA Certificates"},
		{idp.OnlySomeReasons.BitLength > 0, fmt.Sprintf("Only Some Reasons: %x", idp.OnlySomeReasons.Bytes)},
		{idp.Indirect, "Indirect CRL"},
		{idp.OnlyAttributeCerts, "Only Attribute Certificates"},
	} {
		if only.set {
			lines = append(lines, only.text)
		}
	}
	return lines
}
