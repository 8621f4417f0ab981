package ca

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mholt/acmez/v3/acme"

	ours "stepca/acme"
	nouns "stepca/ca"
)

// identifiers returns the identifiers to order: what can be ordered with ACME, and
// proved in the way that the flags say.
func (f *acmeFlags) identifiers(names []string) ([]acme.Identifier, error) {
	byDNS := len(f.hookWords) > 0
	var ids []acme.Identifier
	for _, name := range names {
		id := nouns.ParseSAN(name)
		switch {
		case id.Type != nouns.DNS && id.Type != nouns.IP:
			//lint:ignore ST1005 the text that users know
			return nil, errors.New("Email Address and URI SANs are not supported for ACME flow")
		case strings.HasPrefix(name, "*.") && !byDNS:
			return nil, fmt.Errorf("wildcard dnsnames (*.x) require dns validation; use the '--dns-hook' flag to get a certificate for %s", name)
		case id.Type == nouns.IP && byDNS:
			return nil, fmt.Errorf("no DNS record proves an IP address; get the certificate for %s without the '--dns-hook' flag", name)
		}
		if id := canonical(id); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("there is no name to order a certificate for")
	}
	return ids, nil
}

// canonical is the identifier as servers write it: a name in lower-case A-labels, an
// address as RFC 5952 has it. What is neither is for the server to refuse.
func canonical(name nouns.Identifier) acme.Identifier {
	if id, err := ours.ParseIdentifier(string(name.Type), name.Value); err == nil {
		name = id
	}
	return acme.Identifier{Type: string(name.Type), Value: name.Value}
}

// maxCommonName is ub-common-name of RFC 5280 Appendix A.1, in octets.
const maxCommonName = 64

// acmeCommonName is the common name to ask for: the subject, which scripts look for.
// Of a foreign server a longer one than the standard allows is not asked for.
func acmeCommonName(subject string, g *grant) string {
	if strings.ContainsFunc(subject, func(r rune) bool { return r > unicode.MaxASCII }) {
		subject = canonical(nouns.ParseSAN(subject)).Value
	}
	if g.client == nil && len(subject) > maxCommonName {
		return ""
	}
	return subject
}
