package certificate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"
	"strings"

	"stepca/ca"
	"stepca/template"
)

// An extensionText is how an extension is shown: its title and its lines.
type extensionText struct {
	title string
	lines func(pkix.Extension) []string // nil: the value cannot be read
}

// extensionTexts are the extensions that are shown decoded, by OID.
type extensionTexts map[string]extensionText

// describe returns the title and lines of an extension; nil lines stand for one
// that is shown as its bytes.
func (t extensionTexts) describe(ext pkix.Extension) (title string, lines []string) {
	text, ok := t[ext.Id.String()]
	if !ok {
		return ext.Id.String(), nil
	}
	return text.title, text.lines(ext)
}

// fixed shows what crypto/x509 parsed already.
func fixed(lines ...string) func(pkix.Extension) []string {
	return func(pkix.Extension) []string { return lines }
}

func newExtensionTexts(cert *x509.Certificate) extensionTexts {
	return extensionTexts{
		"2.5.29.15":                {"X509v3 Key Usage", fixed(keyUsage(cert.KeyUsage))},
		"2.5.29.37":                {"X509v3 Extended Key Usage", fixed(extKeyUsage(cert.ExtKeyUsage, cert.UnknownExtKeyUsage))},
		"2.5.29.19":                {"X509v3 Basic Constraints", fixed(basicConstraints(cert))},
		"2.5.29.14":                {"X509v3 Subject Key Identifier", fixed(colonHex(cert.SubjectKeyId, "%02X"))},
		"2.5.29.35":                {"X509v3 Authority Key Identifier", fixed(colonHex(cert.AuthorityKeyId, "%02X"))},
		"2.5.29.17":                {"X509v3 Subject Alternative Name", joined(subjectAltNames)},
		"2.5.29.31":                {"X509v3 CRL Distribution Points", fixed(prefixed("Full Name: URI:", cert.CRLDistributionPoints)...)},
		"2.5.29.32":                {"X509v3 Certificate Policies", fixed(policies(cert)...)},
		"2.5.29.30":                {"X509v3 Name Constraints", fixed(nameConstraints(cert)...)},
		"1.3.6.1.5.5.7.1.1":        {"Authority Information Access", fixed(append(prefixed("OCSP - URI:", cert.OCSPServer), prefixed("CA Issuers - URI:", cert.IssuingCertificateURL)...)...)},
		ca.OIDProvisioner.String(): {"X509v3 Step Provisioner", provisionerLines},
	}
}

func newRequestTexts(csr *x509.CertificateRequest) extensionTexts {
	request := template.NewCertificateRequest(csr)
	return extensionTexts{
		"2.5.29.15": {"X509v3 Key Usage", fixed(keyUsage(x509.KeyUsage(request.KeyUsage)))},
		"2.5.29.37": {"X509v3 Extended Key Usage", fixed(extKeyUsage(request.ExtKeyUsage, oids(request.UnknownExtKeyUsage)))},
		"2.5.29.19": {"X509v3 Basic Constraints", func(pkix.Extension) []string {
			if request.BasicConstraints == nil {
				return nil
			}
			return []string{fmt.Sprintf("CA:%s", upper(request.BasicConstraints.IsCA))}
		}},
		"2.5.29.17": {"X509v3 Subject Alternative Name", subjectAltNames},
	}
}

func oids(list template.OIDs) []asn1.ObjectIdentifier { return list }

// joined shows the lines as one.
func joined(lines func(pkix.Extension) []string) func(pkix.Extension) []string {
	return func(ext pkix.Extension) []string {
		if parts := lines(ext); parts != nil {
			return []string{strings.Join(parts, ", ")}
		}
		return nil
	}
}

func prefixed(prefix string, values []string) []string {
	lines := make([]string, len(values))
	for i, value := range values {
		lines[i] = prefix + value
	}
	return lines
}

var keyUsages = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "Digital Signature"},
	{x509.KeyUsageContentCommitment, "Non Repudiation"},
	{x509.KeyUsageKeyEncipherment, "Key Encipherment"},
	{x509.KeyUsageDataEncipherment, "Data Encipherment"},
	{x509.KeyUsageKeyAgreement, "Key Agreement"},
	{x509.KeyUsageCertSign, "Certificate Sign"},
	{x509.KeyUsageCRLSign, "CRL Sign"},
	{x509.KeyUsageEncipherOnly, "Encipher Only"},
	{x509.KeyUsageDecipherOnly, "Decipher Only"},
}

func keyUsage(usage x509.KeyUsage) string {
	var names []string
	for _, u := range keyUsages {
		if usage&u.bit != 0 {
			names = append(names, u.name)
		}
	}
	return strings.Join(names, ", ")
}

var extKeyUsages = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny:                            "Any Extended Key Usage",
	x509.ExtKeyUsageServerAuth:                     "Server Authentication",
	x509.ExtKeyUsageClientAuth:                     "Client Authentication",
	x509.ExtKeyUsageCodeSigning:                    "Code Signing",
	x509.ExtKeyUsageEmailProtection:                "E-mail Protection",
	x509.ExtKeyUsageIPSECEndSystem:                 "IPSec End System",
	x509.ExtKeyUsageIPSECTunnel:                    "IPSec Tunnel",
	x509.ExtKeyUsageIPSECUser:                      "IPSec User",
	x509.ExtKeyUsageTimeStamping:                   "Time Stamping",
	x509.ExtKeyUsageOCSPSigning:                    "OCSP Signing",
	x509.ExtKeyUsageMicrosoftServerGatedCrypto:     "Microsoft Server Gated Crypto",
	x509.ExtKeyUsageNetscapeServerGatedCrypto:      "Netscape Server Gated Crypto",
	x509.ExtKeyUsageMicrosoftCommercialCodeSigning: "Microsoft Commercial Code Signing",
	x509.ExtKeyUsageMicrosoftKernelCodeSigning:     "Microsoft Kernel Code Signing",
}

func extKeyUsage(usages []x509.ExtKeyUsage, unknown []asn1.ObjectIdentifier) string {
	var names []string
	for _, u := range usages {
		names = append(names, extKeyUsages[u])
	}
	for _, oid := range unknown {
		names = append(names, oid.String())
	}
	return strings.Join(names, ", ")
}

func basicConstraints(cert *x509.Certificate) string {
	text := "CA:" + upper(cert.IsCA)
	if cert.MaxPathLen > 0 || cert.MaxPathLenZero {
		text += fmt.Sprintf(", pathlen:%d", cert.MaxPathLen)
	}
	return text
}

func upper(b bool) string { return strings.ToUpper(fmt.Sprint(b)) }

func policies(cert *x509.Certificate) []string {
	var lines []string
	for _, oid := range cert.Policies {
		lines = append(lines, "Policy: "+oid.String())
	}
	return lines
}

func nameConstraints(cert *x509.Certificate) []string {
	var lines []string
	add := func(title string, dns, emails, uris []string, ips []*net.IPNet) {
		lines = append(lines, prefixed(title+": DNS:", dns)...)
		lines = append(lines, prefixed(title+": email:", emails)...)
		lines = append(lines, prefixed(title+": URI:", uris)...)
		for _, ip := range ips {
			lines = append(lines, title+": IP:"+ip.String())
		}
	}
	add("Permitted", cert.PermittedDNSDomains, cert.PermittedEmailAddresses, cert.PermittedURIDomains, cert.PermittedIPRanges)
	add("Excluded", cert.ExcludedDNSDomains, cert.ExcludedEmailAddresses, cert.ExcludedURIDomains, cert.ExcludedIPRanges)
	return lines
}

// generalNameTitles are the forms of names as OpenSSL writes them.
var generalNameTitles = map[ca.IdentifierType]string{
	ca.DNS: "DNS", ca.IP: "IP Address", ca.Email: "email", ca.URI: "URI",
}

// subjectAltNames shows every name, those that crypto/x509 passes over included.
func subjectAltNames(ext pkix.Extension) []string {
	names, err := template.ParseGeneralNames(ext.Value)
	if err != nil {
		return nil
	}
	lines := make([]string, len(names))
	for i, name := range names {
		id := name.Identifier()
		title := generalNameTitles[id.Type]
		if title == "" {
			title = string(id.Type)
		}
		lines[i] = title + ":" + id.Value
	}
	return lines
}

func provisionerLines(ext pkix.Extension) []string {
	p, err := ca.ParseProvisionerExtension(ext.Value)
	if err != nil {
		return nil
	}
	lines := []string{"Type: " + p.Type.String(), "Name: " + string(p.Name)}
	if len(p.CredentialID) > 0 {
		lines = append(lines, "CredentialID: "+string(p.CredentialID))
	}
	for i := 0; i+1 < len(p.KeyValuePairs); i += 2 {
		lines = append(lines, p.KeyValuePairs[i]+": "+p.KeyValuePairs[i+1])
	}
	return lines
}

// provisionerOf is what the certificate says about its provisioner; nil if that
// is nothing, or not readable.
func provisionerOf(cert *x509.Certificate) *ca.ProvisionerExtension {
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(ca.OIDProvisioner) {
			continue
		}
		if p, err := ca.ParseProvisionerExtension(ext.Value); err == nil {
			return p
		}
	}
	return nil
}

func altNames(dns []string, ips []net.IP, emails []string, uris []*url.URL) []string {
	var names []string
	for _, id := range ca.Names(dns, ips, emails, uris) {
		names = append(names, id.Value)
	}
	return names
}
