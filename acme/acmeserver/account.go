package acmeserver

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"stepca/acme"
	"stepca/store"
)

// accountBody is an account as clients see it (RFC 8555 §7.1.2).
type accountBody struct {
	Contact []string    `json:"contact,omitempty"`
	Status  acme.Status `json:"status"`
	Orders  string      `json:"orders"`

	// ExternalAccountBinding is as it was received, in the answer to newAccount only.
	ExternalAccountBinding json.RawMessage `json:"externalAccountBinding,omitempty"`
}

// writeAccount answers with an account.
func (x *exchange) writeAccount(status int, a *acme.Account, binding json.RawMessage) {
	location := x.url(pathAccount, a.ID)
	x.Header().Set("Location", location)
	x.writeJSON(status, accountBody{a.Contact, a.Status, location + "/orders", binding})
}

// updateAccount changes the account of the request, in one transaction with its
// nonce. apply may refuse; it may run more than once.
func (x *exchange) updateAccount(apply func(*acme.Account) error) (*acme.Account, error) {
	var a *acme.Account
	_, err := x.s.store.UpdateAccount(x.r.Context(), x.account.ID, x.nonce, func(rec *store.ACMEAccount) error {
		var err error
		if a, err = acme.LoadAccount(rec); err != nil {
			return err
		}
		if err := checkActive(a); err != nil {
			return err
		}
		if a.Thumbprint != x.account.Thumbprint {
			return unauthorized("the key of the account was changed meanwhile")
		}
		if err := apply(a); err != nil {
			return err
		}
		return a.Save(rec)
	})
	return a, x.spent(err)
}

// accountURL is the URL of the account as the client has it, of the several that it may
// use: what clients derive from it, records in the DNS, has that very text.
func (x *exchange) accountURL() string { return x.header.KeyID }

// ownPath refuses a path with another account than the one that signed.
func (x *exchange) ownPath() error {
	if x.args[0] != x.account.ID {
		return forbidden("the request is signed by another account")
	}
	return nil
}

// account answers with the account, after the changes in the payload (RFC 8555
// §7.3.2, §7.3.6).
func (s *Server) account(x *exchange) error {
	if err := x.ownPath(); err != nil {
		return err
	}
	change, err := x.accountChange()
	if err != nil {
		return err
	}
	a := x.account
	if change != nil {
		if a, err = x.updateAccount(change); err != nil {
			return err
		}
	}
	x.writeAccount(http.StatusOK, a, nil)
	return nil
}

// accountChange returns the change that the payload asks for, nil for none. Other
// members, and other states than deactivated, are ignored (RFC 8555 §7.3.2). So are
// contacts of an account that is to be deactivated, which the reference refuses:
// acmez sends the whole account.
func (x *exchange) accountChange() (func(*acme.Account) error, error) {
	if len(x.payload) == 0 {
		return nil, nil
	}
	var req struct {
		Contact *[]string   `json:"contact"`
		Status  acme.Status `json:"status"`
	}
	if err := x.decode(&req); err != nil {
		return nil, err
	}
	switch {
	case req.Status == acme.StatusDeactivated:
		return func(a *acme.Account) error {
			a.Status, a.DeactivatedAt = acme.StatusDeactivated, x.s.now().UTC().Truncate(time.Second)
			return nil
		}, nil
	case req.Contact == nil:
		return nil, nil
	}
	if err := acme.CheckContacts(*req.Contact); err != nil {
		return nil, err
	}
	return func(a *acme.Account) error {
		a.Contact = *req.Contact
		return nil
	}, nil
}

// orders answers with a page of the account's orders, newest first (RFC 8555
// §7.1.2.1), without those that are invalid.
func (s *Server) orders(x *exchange) error {
	if err := x.ownPath(); err != nil {
		return err
	}
	if err := x.postAsGet(); err != nil {
		return err
	}
	page, next, err := s.store.Orders(x.r.Context(), x.account.ID, store.Page{
		Limit: ordersPerPage, Cursor: x.r.URL.Query().Get("cursor"),
	})
	if err != nil {
		return err
	}
	list := []string{}
	for _, rec := range page {
		o, err := acme.LoadOrder(rec)
		if err != nil {
			return err
		}
		if o.Advance(s.now()); o.Status != acme.StatusInvalid && !o.Standalone {
			list = append(list, x.url(pathOrder, o.ID))
		}
	}
	if next != "" {
		more := x.url(pathAccount, x.account.ID, "orders") + "?cursor=" + url.QueryEscape(next)
		x.Header().Add("Link", "<"+more+`>;rel="next"`)
	}
	x.writeJSON(http.StatusOK, map[string][]string{"orders": list})
	return nil
}
