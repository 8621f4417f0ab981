package acmeserver

import (
	"net/http"

	"stepca/acme"
)

// directory answers where the resources are (RFC 8555 §7.1.1).
func (s *Server) directory(x *exchange) error {
	d := acme.Directory{
		NewNonce:    x.url(pathNewNonce),
		NewAccount:  x.url(pathNewAccount),
		NewOrder:    x.url(pathNewOrder),
		NewAuthz:    x.url(pathNewAuthz),
		RevokeCert:  x.url(pathRevokeCert),
		KeyChange:   x.url(pathKeyChange),
		RenewalInfo: x.url(pathRenewalInfo),
	}
	meta := acme.Meta{
		TermsOfService:          x.prov.TermsOfService,
		Website:                 x.prov.Website,
		CAAIdentities:           x.prov.CAAIdentities,
		ExternalAccountRequired: x.prov.RequireEAB,
		Profiles:                x.prov.ProfileDescriptions(),
	}
	if !meta.IsZero() {
		d.Meta = &meta
	}
	x.writeJSON(http.StatusOK, d)
	return nil
}
