package va

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/acme"
)

// namesIssuer reports whether an issue-value (RFC 8659 §4.2), of a CAA record or one
// of dns-persist-01, begins with a name of the CA, and returns what follows.
func namesIssuer(value string, req *acme.Validation) (parameters string, ok bool) {
	issuer, parameters, _ := strings.Cut(value, ";")
	return parameters, slices.Contains(req.IssuerDomainNames, canonicalDomain(issuer))
}

// canonicalDomain is the form in which issuer domain names are compared.
func canonicalDomain(s string) string {
	return strings.TrimSuffix(strings.ToLower(strings.Trim(s, " \t")), ".")
}

// parseParameters returns the parameters of an issue-value by their tags, in lower
// case. Empty ones are passed over.
func parseParameters(s string) (map[string]string, error) {
	parameters := make(map[string]string)
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.Trim(part, " \t"); part == "" {
			continue
		}
		tag, value, ok := strings.Cut(part, "=")
		tag, value = strings.ToLower(strings.TrimRight(tag, " \t")), strings.TrimLeft(value, " \t")
		if !ok || tag == "" {
			return nil, errors.New("a parameter is not of the form tag=value")
		}
		if _, twice := parameters[tag]; twice {
			return nil, fmt.Errorf("parameter %s is there twice", clip(tag))
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
			return nil, fmt.Errorf("parameter %s has a character that is not allowed", clip(tag))
		}
		parameters[tag] = value
	}
	return parameters, nil
}
