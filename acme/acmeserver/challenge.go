package acmeserver

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"stepca/acme"
	"stepca/provisioner"
)

// challengeBody is a challenge as clients see it (RFC 8555 §7.1.5).
type challengeBody struct {
	Type      acme.ChallengeType `json:"type"`
	Status    acme.Status        `json:"status"`
	Token     string             `json:"token,omitempty"`
	Validated time.Time          `json:"validated,omitzero"`
	URL       string             `json:"url"`
	Error     *acme.Problem      `json:"error,omitempty"`

	// Of dns-persist-01 only.
	IssuerDomainNames []string `json:"issuer-domain-names,omitempty"`
	AccountURI        string   `json:"accounturi,omitempty"`
}

func (x *exchange) challengeBody(a *acme.Authorization, c *acme.Challenge) challengeBody {
	b := challengeBody{
		Type: c.Type, Status: c.Status, Token: c.Token, Validated: c.Validated, Error: c.Error,
		URL: x.url(pathChallenge, a.ID, c.ID),
	}
	if c.Status == acme.StatusPending && x.s.jobs.has(c.ID) {
		b.Status = acme.StatusProcessing
	}
	if c.Type == acme.DNSPersist01 {
		b.IssuerDomainNames, b.AccountURI = issuerDomainNames(x.prov), x.accountURL()
	}
	return b
}

// issuerDomainNames are the CA's names in DNS records, in lower case.
func issuerDomainNames(p *provisioner.ACME) []string {
	names := slices.Clone(p.CAAIdentities)
	for i := range names {
		names[i] = strings.TrimSuffix(strings.ToLower(names[i]), ".")
	}
	return names
}

// challenge begins the validation of a challenge (RFC 8555 §7.5.1), and answers
// with its result if there is one soon. A client that asks again makes the next
// attempt come at once.
func (s *Server) challenge(x *exchange) error {
	o, err := x.loadOrder(x.args[0], "authorization")
	if err != nil {
		return err
	}
	a := o.Authorization(x.args[0])
	if a == nil {
		return notFound("authorization")
	}
	c := a.Challenge(x.args[1])
	if c == nil {
		return notFound("challenge")
	}
	if err := acme.CheckResponse(x.payload); err != nil {
		return err
	}
	if !c.Final() && a.StatusAt(s.now()) == acme.StatusPending && o.Status == acme.StatusPending {
		if o, err = x.validateSoon(o, a, c); err != nil {
			return err
		}
		a = o.Authorization(a.ID)
		c = a.Challenge(c.ID)
	}
	body := x.challengeBody(a, c)
	if body.Status == acme.StatusProcessing {
		x.retryAfter(pollAfter)
	}
	x.Header().Add("Link", "<"+x.url(pathAuthz, a.ID)+`>;rel="up"`)
	x.Header().Set("Location", body.URL)
	x.writeJSON(http.StatusOK, body)
	return nil
}

// validateSoon starts the validation and waits a little. It returns the order as it
// is then.
func (x *exchange) validateSoon(o *acme.Order, a *acme.Authorization, c *acme.Challenge) (*acme.Order, error) {
	now := x.s.now()
	if wait := x.s.failures.empty(failureKey(o, a), now); wait > 0 {
		return nil, limited(wait, "failed validations of this identifier")
	}
	w := x.startValidation(o, a, c, x.payload)
	if w == nil {
		return nil, busy("validations are under way")
	}
	timer := time.NewTimer(inlineWait)
	defer timer.Stop()
	select {
	case <-w.done:
		return x.s.findOrder(x.r.Context(), o.ID)
	case <-timer.C:
	case <-x.r.Context().Done():
	}
	if c.Status == acme.StatusPending && resumable(c.Type) {
		return x.noteUnderWay(o, a, c)
	}
	return x.s.findOrder(x.r.Context(), o.ID)
}

func failureKey(o *acme.Order, a *acme.Authorization) string {
	return o.AccountID + " " + a.Identifier.String()
}
