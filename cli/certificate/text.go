package certificate

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"time"
)

// text writes certificates or a request much as openssl x509 -text does.
func text(in *contents) ([]byte, error) {
	var w textWriter
	for _, cert := range in.certs {
		w.certificate(cert)
	}
	if in.request != nil {
		w.request(in.request)
	}
	return w.Bytes(), nil
}

// A textWriter writes lines, each indented by a number of columns. What comes
// from a certificate is made printable.
type textWriter struct{ bytes.Buffer }

func (w *textWriter) line(indent int, format string, args ...any) {
	w.WriteString(strings.Repeat(" ", indent))
	w.WriteString(printable(fmt.Sprintf(format, args...)))
	w.WriteByte('\n')
}

// hexLines writes bytes in hexadecimal with colons, so many a line.
func (w *textWriter) hexLines(indent, perLine int, b []byte) {
	for len(b) > 0 {
		n := min(perLine, len(b))
		line := colonHex(b[:n], "%02x")
		if b = b[n:]; len(b) > 0 {
			line += ":"
		}
		w.line(indent, "%s", line)
	}
}

func colonHex(b []byte, format string) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf(format, c)
	}
	return strings.Join(parts, ":")
}

func (w *textWriter) certificate(cert *x509.Certificate) {
	const layout = "Jan 2 15:04:05 2006 MST"
	w.line(0, "Certificate:")
	w.line(4, "Data:")
	w.line(8, "Version: %d (%#x)", cert.Version, cert.Version-1)
	w.line(8, "Serial Number: %d (%#x)", cert.SerialNumber, cert.SerialNumber)
	w.line(8, "Signature Algorithm: %s", cert.SignatureAlgorithm)
	w.line(8, "Issuer: %s", dn(cert.Issuer))
	w.line(8, "Validity")
	w.line(12, "Not Before: %s", cert.NotBefore.UTC().Format(layout))
	w.line(12, "Not After : %s", cert.NotAfter.UTC().Format(layout))
	w.line(8, "Subject: %s", dn(cert.Subject))
	w.publicKey(cert.PublicKeyAlgorithm, cert.PublicKey, cert.RawSubjectPublicKeyInfo)
	if len(cert.Extensions) > 0 {
		w.line(8, "X509v3 extensions:")
		w.extensions(cert.Extensions, newExtensionTexts(cert))
	}
	w.signature(cert.SignatureAlgorithm, cert.Signature)
}

func (w *textWriter) request(csr *x509.CertificateRequest) {
	w.line(0, "Certificate Request:")
	w.line(4, "Data:")
	w.line(8, "Version: %d (%#x)", csr.Version, csr.Version)
	w.line(8, "Subject: %s", dn(csr.Subject))
	w.publicKey(csr.PublicKeyAlgorithm, csr.PublicKey, csr.RawSubjectPublicKeyInfo)
	if len(csr.Extensions) > 0 {
		w.line(8, "Requested Extensions:")
		w.extensions(csr.Extensions, newRequestTexts(csr))
	}
	w.signature(csr.SignatureAlgorithm, csr.Signature)
}

func (w *textWriter) signature(algorithm x509.SignatureAlgorithm, signature []byte) {
	w.line(4, "Signature Algorithm: %s", algorithm)
	w.hexLines(9, 18, signature)
}

// extensions writes the extensions in the order of their encoding.
func (w *textWriter) extensions(extensions []pkix.Extension, texts extensionTexts) {
	for _, ext := range extensions {
		title, lines := texts.describe(ext)
		critical := ""
		if ext.Critical {
			critical = " critical"
		}
		w.line(12, "%s:%s", title, critical)
		if lines == nil { // an extension that we cannot read
			w.hexLines(16, 18, ext.Value)
		}
		for _, line := range lines {
			w.line(16, "%s", line)
		}
	}
}

// shortText writes a few lines for each certificate, or for the request.
func shortText(in *contents) ([]byte, error) {
	var w textWriter
	for _, cert := range in.certs {
		w.shortCertificate(cert)
	}
	if csr := in.request; csr != nil {
		w.line(0, "X.509v3 Certificate Signing Request (%s)", describeKey(csr.PublicKeyAlgorithm, csr.PublicKey))
		w.shortSubject(csr.Subject.CommonName, altNames(csr.DNSNames, csr.IPAddresses, csr.EmailAddresses, csr.URIs))
	}
	return w.Bytes(), nil
}

func (w *textWriter) shortCertificate(cert *x509.Certificate) {
	kind := "TLS"
	switch {
	case cert.IsCA && bytes.Equal(cert.RawIssuer, cert.RawSubject):
		kind = "Root CA"
	case cert.IsCA:
		kind = "Intermediate CA"
	}
	w.line(0, "X.509v3 %s Certificate (%s) [Serial: %s]", kind,
		describeKey(cert.PublicKeyAlgorithm, cert.PublicKey), abbreviate(cert.SerialNumber.String()))
	w.shortSubject(cert.Subject.CommonName, altNames(cert.DNSNames, cert.IPAddresses, cert.EmailAddresses, cert.URIs))
	issuer := cert.Issuer.CommonName
	if issuer == "" {
		issuer = dn(cert.Issuer)
	}
	w.line(2, "Issuer:      %s", issuer)
	if p := provisionerOf(cert); p != nil {
		id := ""
		if len(p.CredentialID) > 0 {
			id = fmt.Sprintf(" [ID: %s]", abbreviate(string(p.CredentialID)))
		}
		w.line(2, "Provisioner: %s%s", p.Name, id)
	}
	w.line(2, "Valid from:  %s", cert.NotBefore.UTC().Format(time.RFC3339))
	w.line(2, "        to:  %s", cert.NotAfter.UTC().Format(time.RFC3339))
}

// shortSubject writes the common name and the other names, one below the other.
func (w *textWriter) shortSubject(commonName string, names []string) {
	lines := names[:0:0]
	if commonName != "" {
		lines = append(lines, commonName)
	}
	for _, name := range names {
		if name != commonName {
			lines = append(lines, name)
		}
	}
	if len(lines) == 0 {
		lines = []string{""}
	}
	for i, line := range lines {
		title := "Subject:"
		if i > 0 {
			title = ""
		}
		w.line(2, "%-12s %s", title, line)
	}
}

// abbreviate keeps the first and last four characters of a long text.
func abbreviate(s string) string {
	if r := []rune(s); len(r) > 8 {
		return string(r[:4]) + "..." + string(r[len(r)-4:])
	}
	return s
}
