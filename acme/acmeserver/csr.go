package acmeserver

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"net/netip"
	"slices"
	"strings"

	"stepca/acme"
	"stepca/ca"
	"stepca/issue"
	"stepca/keyfile"
)

// parseCSR parses the csr of finalize. Compatible: padding, which RFC 8555 §6.1
// forbids, is ignored; Synology's client sends it.
func parseCSR(encoded string) (*x509.CertificateRequest, error) {
	der, err := acme.DecodeBase64URL(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil, malformed("csr is not base64url")
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, badCSR("it is not a certificate request in DER: %w", err)
	}
	if err := issue.CheckSelfSignature(csr); err != nil {
		return nil, badCSR("its signature does not verify: %w", err)
	}
	return csr, nil
}

func badCSR(format string, args ...any) *acme.Problem {
	return acme.NewProblem(acme.ProblemBadCSR, format, args...)
}

// checkCSRKey refuses keys that are too weak, the account's (RFC 8555 §11.1), and
// another than the one that was attested.
func checkCSRKey(csr *x509.CertificateRequest, account crypto.PublicKey, o *acme.Order) error {
	if err := issue.CheckPublicKey(csr.PublicKey); err != nil {
		return badCSR("%w", err)
	}
	if keyfile.SamePublicKey(csr.PublicKey, account) {
		return badCSR("its key is the account's; make another")
	}
	for _, a := range o.Authorizations {
		if a.Attestation == nil || a.Attestation.KeyFingerprint == "" {
			continue
		}
		fingerprint, err := acme.KeyFingerprint(csr.PublicKey)
		if err != nil {
			return badCSR("%w", err)
		}
		if fingerprint != a.Attestation.KeyFingerprint {
			return unauthorized("the certificate request is for another key than the attested one")
		}
	}
	return nil
}

// matchCSR compares the names in a request with those of the order, which have to
// be the same (RFC 8555 §7.4), and returns them as the certificate shall have them:
// DNS names sorted, then addresses. Compatible: a common name counts as one of the
// request's alternative names.
func matchCSR(csr *x509.CertificateRequest, o *acme.Order) ([]ca.Identifier, error) {
	if o.Identifiers[0].Type == ca.PermanentIdentifier {
		if cn := csr.Subject.CommonName; cn != "" && cn != o.Identifiers[0].Value {
			return nil, badCSR("its common name %q is not the identifier %q", clip(cn), o.Identifiers[0].Value)
		}
		return o.Identifiers, nil
	}
	if !onlyHosts(csr) {
		return nil, badCSR("it has e-mail addresses, URIs or other names, which were not ordered")
	}
	dns, ips := csrNames(csr)
	for _, kind := range []struct {
		what      string
		got, want []string
	}{
		{"DNS names", dns, orderNames(o, ca.DNS)},
		{"IP addresses", ips, orderNames(o, ca.IP)},
	} {
		if !slices.Equal(kind.got, kind.want) {
			return nil, badCSR("its %s are %s, the order's are %s", kind.what, list(kind.got), list(kind.want))
		}
	}
	var sans []ca.Identifier
	for _, name := range dns {
		sans = append(sans, ca.Identifier{Type: ca.DNS, Value: name})
	}
	for _, ip := range ips {
		sans = append(sans, ca.Identifier{Type: ca.IP, Value: ip})
	}
	return sans, nil
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// onlyHosts reports whether all alternative names of a request are DNS names or
// addresses, also in the forms that crypto/x509 passes over.
func onlyHosts(csr *x509.CertificateRequest) bool {
	const dnsName, ipAddress = 2, 7 // tags, RFC 5280 §4.2.1.6
	for _, ext := range csr.Extensions {
		if !ext.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(ext.Value, &names); err != nil || len(rest) > 0 {
			return false
		}
		if slices.ContainsFunc(names, func(n asn1.RawValue) bool { return n.Tag != dnsName && n.Tag != ipAddress }) {
			return false
		}
	}
	return true
}

// csrNames returns the DNS names and addresses of a request, each sorted and once.
func csrNames(csr *x509.CertificateRequest) (dns, ips []string) {
	for _, name := range csr.DNSNames {
		dns = append(dns, strings.ToLower(name))
	}
	for _, ip := range csr.IPAddresses {
		ips = append(ips, ip.String()) // writes IPv4-mapped addresses as IPv4
	}
	if cn := csr.Subject.CommonName; cn != "" {
		if ip, err := netip.ParseAddr(cn); err == nil {
			ips = append(ips, ip.Unmap().String())
		} else {
			dns = append(dns, strings.ToLower(cn))
		}
	}
	return sorted(dns), sorted(ips)
}

func orderNames(o *acme.Order, typ ca.IdentifierType) []string {
	var names []string
	for _, id := range o.Identifiers {
		if id.Type == typ {
			names = append(names, id.Value)
		}
	}
	return sorted(names)
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func list(names []string) string { return clip("[" + strings.Join(names, " ") + "]") }
