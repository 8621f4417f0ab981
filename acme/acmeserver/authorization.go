package acmeserver

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// authorizationBody is an authorization as clients see it (RFC 8555 §7.1.4).
// Compatible: wildcard is there also if it is false.
type authorizationBody struct {
	Identifier acme.Identifier `json:"identifier"`
	Status     acme.Status     `json:"status"`
	Challenges []challengeBody `json:"challenges"`
	Wildcard   bool            `json:"wildcard"`
	Expires    time.Time       `json:"expires"`
}

// challengesFor returns the challenges that the provisioner offers for a name.
func (x *exchange) challengesFor(id acme.Identifier) []acme.ChallengeType {
	wildcard := id.Type == ca.DNS && strings.HasPrefix(id.Value, "*.")
	return slices.DeleteFunc(acme.ChallengesFor(id, wildcard), func(t acme.ChallengeType) bool {
		if t == acme.DNSPersist01 && len(issuerDomainNames(x.prov)) == 0 {
			return true // its records name the CA
		}
		return !x.prov.Offers(t)
	})
}

// makeAuthorization returns a pending authorization for a name, as a part of the
// record with an ID. Its challenges share a token.
func (x *exchange) makeAuthorization(recordID string, id acme.Identifier, expires time.Time) *acme.Authorization {
	a := &acme.Authorization{
		ID: acme.NewPartID(recordID), Identifier: id, Status: acme.StatusPending, Expires: expires,
	}
	if id.Type == ca.DNS {
		a.Identifier.Value, a.Wildcard = strings.CutPrefix(id.Value, "*.")
	}
	token := acme.NewID()
	for _, typ := range x.challengesFor(id) {
		c := &acme.Challenge{ID: acme.NewPartID(recordID), Type: typ, Status: acme.StatusPending, Token: token}
		if typ == acme.DNSPersist01 {
			c.Token = ""
		}
		a.Challenges = append(a.Challenges, c)
	}
	return a
}

// writeAuthorization answers with an authorization.
func (x *exchange) writeAuthorization(status int, a *acme.Authorization) {
	body := authorizationBody{
		Identifier: a.Identifier, Status: a.StatusAt(x.s.now()), Wildcard: a.Wildcard, Expires: a.Expires,
		Challenges: []challengeBody{},
	}
	for _, c := range a.Challenges {
		b := x.challengeBody(a, c)
		if b.Status == acme.StatusProcessing {
			x.retryAfter(pollAfter)
		}
		body.Challenges = append(body.Challenges, b)
	}
	x.Header().Set("Location", x.url(pathAuthz, a.ID))
	x.writeJSON(status, body)
}

// authorization answers with an authorization (RFC 8555 §7.5), after deactivating
// it if the payload says so (§7.5.2).
func (s *Server) authorization(x *exchange) error {
	o, err := x.loadOrder(x.args[0], "authorization")
	if err != nil {
		return err
	}
	a := o.Authorization(x.args[0])
	if a == nil {
		return notFound("authorization")
	}
	if len(x.payload) == 0 {
		x.writeAuthorization(http.StatusOK, a)
		return nil
	}
	var req struct {
		Status acme.Status `json:"status"`
	}
	if err := x.decode(&req); err != nil {
		return err
	}
	if req.Status != acme.StatusDeactivated {
		return malformed("an authorization's status can only be changed to deactivated")
	}
	o, err = s.updateOrder(x.r.Context(), o.ID, x.nonce, func(o *acme.Order) error {
		return o.Authorization(a.ID).Deactivate(s.now())
	})
	if x.spent(err) != nil {
		return err
	}
	x.writeAuthorization(http.StatusOK, o.Authorization(a.ID))
	return nil
}
