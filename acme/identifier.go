package acme

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stepca/ca"
)

// An Identifier is a name for which a certificate is ordered (RFC 8555 §9.7.7):
// type ca.DNS, ca.IP (RFC 8738) or ca.PermanentIdentifier
// (draft-ietf-acme-device-attest).
type Identifier = ca.Identifier

const (
	maxPermanentIdentifier = 255 // octets of the value
	maxShown               = 256 // octets of what a client sent, in a problem
)

// ParseIdentifier parses an identifier of an order. A DNS name comes back in
// lower-case A-label form, possibly with one leading "*." (RFC 8555 §7.1.3); an
// address in the text form of RFC 5952, an IPv4-mapped one as IPv4. The error is
// a *Problem with the offending value.
func ParseIdentifier(typ, value string) (Identifier, error) {
	id := Identifier{Type: ca.IdentifierType(typ), Value: value}
	var reason string
	switch id.Type {
	case ca.DNS:
		id.Value, reason = parseDNS(value)
	case ca.IP:
		id.Value, reason = parseIP(value)
	case ca.PermanentIdentifier:
		reason = checkPermanent(value)
	default:
		return id, NewProblem(ProblemUnsupportedIdentifier, "type %q of identifier %q", Clip(typ, maxShown), Clip(value, maxShown))
	}
	if reason != "" {
		return id, NewProblem(ProblemMalformed, "identifier %q of type %s %s", Clip(value, maxShown), typ, reason)
	}
	return id, nil
}

// parseDNS returns the canonical name, or what is wrong with it.
func parseDNS(value string) (name, reason string) {
	base, wildcard := strings.CutPrefix(value, "*.")
	switch {
	case base == "":
		return "", "is empty"
	case strings.HasSuffix(base, "."):
		return "", "ends with a dot: write the name without it"
	case strings.Contains(base, "*"):
		return "", "has a wildcard other than one leading *."
	}
	ascii, err := toASCII(base)
	if err != nil {
		return "", "is not a valid DNS name (underscores, spaces and invalid internationalized labels are not allowed)"
	}
	if looksLikeIPv4(ascii) {
		return "", "is an IP address: use the type ip"
	}
	id := Identifier{Type: ca.DNS, Value: ascii}
	if wildcard {
		id.Value = "*." + id.Value
	}
	if err := id.Validate(); err != nil {
		return "", "is not a valid DNS name"
	}
	return id.Value, ""
}

// toASCII returns the A-label form (RFC 5891) in lower case. It refuses what would
// not come out of it unchanged, such as an A-label of no valid U-label.
func toASCII(name string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", err
	}
	ascii = strings.ToLower(ascii)
	again, err := idna.Lookup.ToASCII(ascii)
	if err == nil && (again != ascii || !utf8.ValidString(name)) {
		err = errors.New("no canonical form")
	}
	return ascii, err
}

// looksLikeIPv4 reports whether the last label is a number, decimal or after 0x
// hexadecimal, which no top-level domain is (RFC 3696 §2): resolvers and browsers
// take such names for addresses (the URL Standard, "ends in a number").
func looksLikeIPv4(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	digits, hexadecimal := strings.CutPrefix(last, "0x")
	return strings.Trim(last, "0123456789") == "" || hexadecimal && strings.Trim(digits, "0123456789abcdef") == ""
}

func parseIP(value string) (addr, reason string) {
	ip, err := netip.ParseAddr(value)
	if err != nil {
		return "", "is not an IP address"
	}
	if ip.Zone() != "" {
		return "", "has a zone, which means something on one host only"
	}
	return ip.Unmap().String(), ""
}

func checkPermanent(value string) string {
	switch {
	case value == "":
		return "is empty"
	case len(value) > maxPermanentIdentifier:
		return fmt.Sprintf("is longer than %d octets", maxPermanentIdentifier)
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return "has characters that cannot be printed"
		}
	}
	return ""
}

// Dedupe returns the identifiers in their order, each once.
func Dedupe(ids []Identifier) []Identifier {
	seen := make(map[Identifier]bool, len(ids))
	out := make([]Identifier, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
