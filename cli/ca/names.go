package ca

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	nouns "stepca/ca"
	"stepca/cli"
)

// names returns the common name and the alternative names to ask for.
func (f *certificateFlags) names(g *grant) (commonName string, sans []nouns.Identifier, err error) {
	if g.directory != "" {
		return f.acmeNames(g)
	}
	commonName, list, err := f.tokenNames(g)
	return commonName, nouns.ParseSANs(list), err
}

// acmeNames are names that an ACME server proves: the subject is always one of them.
func (f *certificateFlags) acmeNames(g *grant) (commonName string, sans []nouns.Identifier, err error) {
	ids, err := f.acme.identifiers(append(slices.Clone(f.sans), f.subject))
	for _, id := range ids {
		sans = append(sans, nouns.Identifier{Type: nouns.IdentifierType(id.Type), Value: id.Value})
	}
	return acmeCommonName(f.subject, g), sans, err
}

// tokenNames are by what the token's type lets its holder choose.
func (f *certificateFlags) tokenNames(g *grant) (commonName string, sans []string, err error) {
	switch g.kind {
	case nouns.TypeJWK, nouns.TypeX5C, nouns.TypeNebula:
		if f.token != "" && g.kind == nouns.TypeJWK && len(f.sans) > 0 {
			return "", nil, cli.MutuallyExclusive("token", "san")
		}
		if !strings.EqualFold(g.claims.Subject, f.subject) {
			return "", nil, fmt.Errorf("token subject '%s' and argument '%s' do not match", g.claims.Subject, f.subject)
		}
		sans = unique(append(slices.Clone(g.claims.SANs), f.sans...))
		if len(sans) == 0 {
			sans = []string{f.subject}
		}
		return g.claims.Subject, sans, nil
	case nouns.TypeOIDC:
		if len(f.sans) == 0 && strings.EqualFold(f.subject, g.claims.Email) {
			return g.claims.Subject, []string{g.claims.Email, g.claims.Issuer + "#" + g.claims.Subject}, nil
		}
		if len(f.sans) == 0 {
			return f.subject, []string{f.subject}, nil
		}
	}
	return f.subject, unique(f.sans), nil
}

// requestNames are the alternative names in a request, each once.
func requestNames(csr *x509.CertificateRequest) []string {
	var names []string
	for _, id := range nouns.CSRNames(csr) {
		names = append(names, id.Value)
	}
	return unique(names)
}

// unique drops repetitions, keeping the first of each.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
