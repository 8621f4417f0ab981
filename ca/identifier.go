package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// An IdentifierType says how the value of an Identifier reads.
type IdentifierType string

// The types of names in certificates. The first four are the general names of
// RFC 5280 §4.2.1.6 that clients ask for; the others come from ACME orders
// (RFC 8555 §9.7.7 and its registry) and templates.
const (
	DNS                 IdentifierType = "dns"
	IP                  IdentifierType = "ip"
	Email               IdentifierType = "email"
	URI                 IdentifierType = "uri"
	PermanentIdentifier IdentifierType = "permanent-identifier" // RFC 4043 in an otherName
	CommonName          IdentifierType = "cn"                   // of the subject; in policies and messages only
	Principal           IdentifierType = "principal"            // of an SSH certificate
	OtherName           IdentifierType = "other"                // any further general name; value is a description
)

// An Identifier is one name that a certificate vouches for.
type Identifier struct {
	Type  IdentifierType `json:"type"`
	Value string         `json:"value"`
}

// String returns "type:value".
func (id Identifier) String() string { return string(id.Type) + ":" + id.Value }

// ParseSAN returns the identifier that a subject alternative name of a token or
// a command line stands for: an IP address if it parses as one, a URI if it has
// a scheme, an e-mail address if it holds an "@", and a DNS name otherwise.
// Nothing is validated; that is Identifier.Validate's part.
func ParseSAN(s string) Identifier {
	if ip := net.ParseIP(s); ip != nil {
		return Identifier{IP, s}
	}
	if u, err := url.Parse(s); err == nil && u.Scheme != "" {
		return Identifier{URI, s}
	}
	if strings.Contains(s, "@") {
		return Identifier{Email, s}
	}
	return Identifier{DNS, s}
}

// ParseSANs is ParseSAN for a list. Empty strings are dropped and the result is
// grouped as certificates are written: DNS names, IP addresses, e-mail
// addresses, URIs, each in the order given.
func ParseSANs(sans []string) []Identifier {
	ids := make([]Identifier, 0, len(sans))
	for _, typ := range [...]IdentifierType{DNS, IP, Email, URI} {
		for _, s := range sans {
			if s == "" {
				continue
			}
			if id := ParseSAN(s); id.Type == typ {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// Names returns the four common kinds of subject alternative names of a
// certificate or request, in the order in which ParseSANs groups them.
func Names(dns []string, ips []net.IP, emails []string, uris []*url.URL) []Identifier {
	ids := make([]Identifier, 0, len(dns)+len(ips)+len(emails)+len(uris))
	for _, s := range dns {
		ids = append(ids, Identifier{DNS, s})
	}
	for _, ip := range ips {
		ids = append(ids, Identifier{IP, ip.String()})
	}
	for _, s := range emails {
		ids = append(ids, Identifier{Email, s})
	}
	for _, u := range uris {
		ids = append(ids, Identifier{URI, u.String()})
	}
	return ids
}

// CSRNames returns the subject alternative names that a request asks for.
func CSRNames(csr *x509.CertificateRequest) []Identifier {
	return Names(csr.DNSNames, csr.IPAddresses, csr.EmailAddresses, csr.URIs)
}

// Validate reports whether the value is well formed for its type, so that a
// relying party reads it as it was meant: a DNS name in A-label form, possibly
// with one leading wildcard label (RFC 5280 §4.2.1.6, RFC 6125 §6.4.3); an IP
// address; an ASCII e-mail address; an absolute URI. Types beyond those four
// must only be non-empty.
func (id Identifier) Validate() error {
	if id.Value == "" {
		return fmt.Errorf("%s name is empty", id.Type)
	}
	var err error
	switch id.Type {
	case DNS:
		err = validateDNS(id.Value)
	case IP:
		_, err = netip.ParseAddr(id.Value)
		if err != nil {
			err = errors.New("not an IP address")
		}
	case Email:
		err = validateEmail(id.Value)
	case URI:
		err = validateURI(id.Value)
	}
	if err != nil {
		return fmt.Errorf("%s name %q is invalid: %w", id.Type, id.Value, err)
	}
	return nil
}

// Lengths of DNS names, RFC 1035 §2.3.4, without the root label.
const (
	maxDNSName  = 253
	maxDNSLabel = 63
)

func validateDNS(name string) error {
	if len(name) > maxDNSName {
		return fmt.Errorf("longer than %d characters", maxDNSName)
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if i == 0 && label == "*" && len(labels) > 1 {
			continue
		}
		if err := validateLabel(label); err != nil {
			return err
		}
	}
	return nil
}

// validateLabel allows letters, digits, '-' and '_'. Underscores are not host
// names (RFC 1123 §2.1), but service names carry them and clients match them.
func validateLabel(label string) error {
	switch {
	case label == "":
		return errors.New("empty label")
	case len(label) > maxDNSLabel:
		return fmt.Errorf("label longer than %d characters", maxDNSLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return errors.New("label begins or ends with a hyphen")
	}
	for i := 0; i < len(label); i++ {
		c := label[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c >= 0x80:
			return errors.New("not in A-label (punycode) form")
		default:
			return fmt.Errorf("character %q is not allowed", c)
		}
	}
	return nil
}

func validateEmail(addr string) error {
	local, domain, ok := strings.Cut(addr, "@")
	if !ok || local == "" || strings.Contains(domain, "@") {
		return errors.New("not of the form local@domain")
	}
	if !printableASCII(local) {
		return errors.New("not printable ASCII")
	}
	if strings.HasPrefix(domain, "*") {
		return errors.New("wildcard domain")
	}
	return validateDNS(domain)
}

func validateURI(s string) error {
	if !printableASCII(s) {
		return errors.New("not printable ASCII")
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a URI")
	}
	if u.Scheme == "" {
		return errors.New("not absolute")
	}
	return nil
}

func printableASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
