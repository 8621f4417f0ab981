package acme

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"stepca/jose"
	"stepca/store"
)

// An Account holds the key with which a client signs its requests (RFC 8555
// §7.1.2), as it is stored.
type Account struct {
	ID          string    `json:"-"`
	Provisioner string    `json:"-"` // ID of the provisioner it belongs to
	Thumbprint  string    `json:"-"` // of Key, RFC 7638, base64url
	CreatedAt   time.Time `json:"-"`

	Key                  *jose.JWK `json:"key"`
	Status               Status    `json:"status"` // valid or deactivated
	Contact              []string  `json:"contact,omitempty"`
	TermsOfServiceAgreed bool      `json:"termsOfServiceAgreed,omitempty"`
	ExternalKeyID        string    `json:"externalKeyId,omitempty"` // of the external account binding; "" for none
	DeactivatedAt        time.Time `json:"deactivatedAt,omitzero"`
}

// LoadAccount decodes the record of an account.
func LoadAccount(rec *store.ACMEAccount) (*Account, error) {
	a := &Account{ID: rec.ID, Provisioner: rec.Provisioner, Thumbprint: rec.Thumbprint, CreatedAt: rec.CreatedAt}
	if err := json.Unmarshal(rec.Data, a); err != nil {
		return nil, fmt.Errorf("account %s: %w", rec.ID, err)
	}
	if a.Key == nil {
		return nil, fmt.Errorf("account %s has no key", rec.ID)
	}
	return a, nil
}

// Clone returns a copy that can be changed. Contacts and keys are never changed in
// place, and so shared.
func (a *Account) Clone() *Account {
	c := *a
	return &c
}

// Save encodes the account into its record.
func (a *Account) Save(rec *store.ACMEAccount) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	rec.ID, rec.Provisioner, rec.Thumbprint, rec.CreatedAt, rec.Data = a.ID, a.Provisioner, a.Thumbprint, a.CreatedAt, data
	return nil
}

// Limits of contacts.
const (
	MaxContacts      = 10
	MaxContactLength = 320 // octets
)

// CheckContacts validates the contact URLs of an account (RFC 8555 §7.3): mailto
// URLs with one address and nothing else. The error is a *Problem.
func CheckContacts(contacts []string) error {
	if len(contacts) > MaxContacts {
		return NewProblem(ProblemInvalidContact, "%d contacts are more than the %d allowed", len(contacts), MaxContacts)
	}
	for _, c := range contacts {
		if err := checkContact(c); err != nil {
			return err
		}
	}
	return nil
}

func checkContact(contact string) error {
	u, err := url.Parse(contact)
	switch {
	case contact == "":
		return NewProblem(ProblemMalformed, "a contact is empty")
	case len(contact) > MaxContactLength:
		return NewProblem(ProblemInvalidContact, "a contact is longer than %d octets", MaxContactLength)
	case err != nil || u.Scheme == "":
		return NewProblem(ProblemInvalidContact, "contact %q is not a URL such as mailto:admin@example.com", contact)
	case !strings.EqualFold(u.Scheme, "mailto"):
		return NewProblem(ProblemUnsupportedContact, "contact %q: only mailto URLs are supported", contact)
	case u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Opaque, ","):
		return NewProblem(ProblemInvalidContact, "contact %q: a mailto URL has to hold one address and nothing else", contact)
	}
	addr, err := url.PathUnescape(u.Opaque)
	if err == nil {
		_, err = mail.ParseAddress(addr)
	}
	if err != nil || strings.ContainsAny(addr, "<> ") {
		return NewProblem(ProblemInvalidContact, "contact %q does not hold an e-mail address", contact)
	}
	return nil
}
