package acmeserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/jose"
	"stepca/store"
)

// newAccountRequest is the payload of newAccount (RFC 8555 §7.3).
type newAccountRequest struct {
	Contact                []string        `json:"contact"`
	TermsOfServiceAgreed   bool            `json:"termsOfServiceAgreed"`
	OnlyReturnExisting     bool            `json:"onlyReturnExisting"`
	ExternalAccountBinding json.RawMessage `json:"externalAccountBinding"`
}

// newAccount creates the account of a key, or finds it (RFC 8555 §7.3), and then ignores
// contacts: with onlyReturnExisting too, where certbot sends those that it is about to
// change and the reference refuses them.
func (s *Server) newAccount(x *exchange) error {
	var req newAccountRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	thumbprint, err := jose.Thumbprint(x.key)
	if err != nil {
		return acme.NewProblem(acme.ProblemBadPublicKey, "")
	}
	found, err := x.returnExisting(thumbprint)
	if found || err != nil {
		return err
	}
	if req.OnlyReturnExisting {
		return acme.NewProblem(acme.ProblemAccountDoesNotExist, "no account has this key")
	}
	if err := x.checkAgreement(&req); err != nil {
		return err
	}
	if err := acme.CheckContacts(req.Contact); err != nil {
		return err
	}
	if wait := s.newAccounts.take(clientAddress(x.r), s.now()); wait > 0 {
		return limited(wait, "new accounts from your address")
	}
	return s.createAccount(x, &req, thumbprint)
}

// checkAgreement refuses a client that does not agree to the terms of service, if
// the provisioner wants it to (RFC 8555 §7.3, with the form of §7.3.3).
func (x *exchange) checkAgreement(req *newAccountRequest) error {
	if req.TermsOfServiceAgreed || !x.prov.RequireTermsOfService {
		return nil
	}
	terms := x.prov.TermsOfService
	x.Header().Add("Link", "<"+terms+`>;rel="terms-of-service"`)
	p := acme.NewProblem(acme.ProblemUserActionRequired, "an account needs agreement to the terms of service at %s (termsOfServiceAgreed)", terms)
	p.Instance = terms
	return p
}

// returnExisting answers with the account of the key, if it has one.
func (x *exchange) returnExisting(thumbprint string) (bool, error) {
	rec, err := x.s.store.AccountByKey(x.r.Context(), x.ref.ID, thumbprint)
	if errors.Is(err, ca.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a, err := acme.LoadAccount(rec)
	if err != nil {
		return false, err
	}
	if err := checkActive(a); err != nil {
		return false, err
	}
	x.writeAccount(http.StatusOK, a, nil)
	return true, nil
}

func (s *Server) createAccount(x *exchange, req *newAccountRequest, thumbprint string) error {
	a := &acme.Account{
		ID: acme.NewID(), Provisioner: x.ref.ID, Thumbprint: thumbprint, CreatedAt: s.now().UTC().Truncate(time.Second),
		Key: &jose.JWK{Key: x.key.Key, KeyID: thumbprint}, Status: acme.StatusValid,
		Contact: req.Contact, TermsOfServiceAgreed: req.TermsOfServiceAgreed,
	}
	var binding json.RawMessage
	if x.prov.RequireEAB {
		var err error
		if a.ExternalKeyID, err = x.verifyBinding(req.ExternalAccountBinding, thumbprint); err != nil {
			return err
		}
		binding = req.ExternalAccountBinding
	}
	rec := new(store.ACMEAccount)
	if err := a.Save(rec); err != nil {
		return err
	}
	err := x.spent(s.store.InsertAccount(x.r.Context(), rec, x.nonce, a.ExternalKeyID, x.bind))
	if errors.Is(err, store.ErrExists) { // another request with the key was faster
		_, err := x.returnExisting(thumbprint)
		return err
	}
	if err != nil {
		return err
	}
	x.writeAccount(http.StatusCreated, a, binding)
	return nil
}

// clientAddress is the address that limits count by: of IPv6 the network, since each
// host has all addresses of one.
func clientAddress(r *http.Request) string {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := remote.Addr().Unmap()
	if addr.Is4() {
		return addr.String()
	}
	network, _ := addr.WithZone("").Prefix(64) // no error: it has 128 bits
	return network.String()
}
