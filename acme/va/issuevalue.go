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
	domain := canonicalDomain(issuer)
	return parameters, domain != "" && slices.Contains(req.IssuerDomainNames, domain)
}

// canonicalDomain is the form in which issuer domain names are compared.
func canonicalDomain(s string) string {
	return strings.TrimSuffix(strings.ToLower(strings.Trim(s, " \t")), ".")
}

// parseParameters returns the parameters of an issue-value by their tags, in lower
// case.
func parseParameters(s string) (map[string]string, error) {
	parameters := make(map[string]string)
	if strings.Trim(s, " \t") == "" {
		return parameters, nil
	}
	for part := range strings.SplitSeq(s, ";") {
		tag, value, ok := strings.Cut(strings.Trim(part, " \t"), "=")
		tag, value = strings.ToLower(strings.TrimRight(tag, " \t")), strings.TrimLeft(value, " \t")
		if !ok || !isTag(tag) {
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

// isTag reports whether s is a parameter-tag of RFC 8659 §4.2 in lower case: letters
// and digits, and hyphens between them.
func isTag(s string) bool {
	return s != "" && s[0] != '-' && s[len(s)-1] != '-' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
