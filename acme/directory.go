package acme

// A Directory tells clients where the resources are (RFC 8555 §7.1.1).
type Directory struct {
	NewNonce    string `json:"newNonce"`
	NewAccount  string `json:"newAccount"`
	NewOrder    string `json:"newOrder"`
	NewAuthz    string `json:"newAuthz"`
	RevokeCert  string `json:"revokeCert"`
	KeyChange   string `json:"keyChange"`
	RenewalInfo string `json:"renewalInfo,omitempty"` // RFC 9773 §4.1
	Meta        *Meta  `json:"meta,omitempty"`        // nil if nothing is set
}

// A Meta is what a directory says of the server.
type Meta struct {
	TermsOfService          string            `json:"termsOfService,omitempty"`
	Website                 string            `json:"website,omitempty"`
	CAAIdentities           []string          `json:"caaIdentities,omitempty"`
	ExternalAccountRequired bool              `json:"externalAccountRequired,omitempty"`
	Profiles                map[string]string `json:"profiles,omitempty"` // name → text or URL, draft-ietf-acme-profiles §3
}

// IsZero reports whether there is nothing to say.
func (m *Meta) IsZero() bool {
	return m.TermsOfService == "" && m.Website == "" && len(m.CAAIdentities) == 0 && !m.ExternalAccountRequired && len(m.Profiles) == 0
}
