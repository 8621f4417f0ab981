package provisioner

import (
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// A Provisioner is one entry of the configuration. The types of this package
// implement it; what one of them can authorize it says by implementing
// X509Authorizer, RenewAuthorizer and so on. It belongs to at most one
// Collection, which makes it ready; after that it is not changed any more.
type Provisioner interface {
	json.Marshaler // the stored form, secrets and unknown members included

	// Ref names the provisioner in records and logs.
	Ref() ca.ProvisionerRef

	// TokenID is what tokens find the provisioner by.
	TokenID() string

	// SetID sets the ID of a provisioner that is kept in a database. Without
	// one, the ID is the TokenID.
	SetID(id string)

	// What follows is empty until the provisioner is in a collection.

	// Rules are the claims in effect.
	Rules() Rules

	// X509Template and SSHTemplate are the custom templates.
	X509Template() Template
	SSHTemplate() Template

	// Webhooks are the validated webhooks; Kind and CertType in upper case.
	Webhooks() []Webhook

	// Policy is the configured name policy, nil for none.
	Policy() json.RawMessage

	shared() *Named
	prepare(*setup) error
}

// Named is what every provisioner has in common: the members that come first in
// its JSON form, and what a collection makes of the others.
type Named struct {
	Type string `json:"type"` // in the spelling of whoever wrote it
	Name string `json:"name"`

	state
}

// state is made when a provisioner is parsed or put into a collection.
type state struct {
	id      string          // "" for the token ID
	unknown []unknownMember // members we know no meaning of

	rules     Rules
	templates templates
	policy    json.RawMessage
	issuer    string
	now       func() time.Time
}

// Settings are the members that come last in the JSON form of most types.
type Settings struct {
	Claims  *Claims  `json:"claims,omitempty"`
	Options *Options `json:"options,omitempty"`

	// Issuer names the issuer of this CA that signs; "" is the default one.
	Issuer string `json:"issuer,omitempty"`

	// NamePolicy restricts names, in the form of the authority's policy. The
	// reference ignores it in ca.json.
	NamePolicy json.RawMessage `json:"policy,omitempty"`
}

// A setup is what provisioners are made ready with.
type setup struct {
	rules    Rules // of the authority
	stepPath string
	now      func() time.Time
	log      *slog.Logger
	userKeys []ssh.PublicKey
	hostKeys []ssh.PublicKey
	webhooks bool // whether they are called
}

// prepareClaims puts the claims in effect.
func (n *Named) prepareClaims(s *setup, c *Claims) error {
	n.now = s.now
	n.rules = s.rules.merge(c)
	return n.rules.validate()
}

// prepareSettings puts claims in effect and loads the options.
func (n *Named) prepareSettings(s *setup, settings *Settings) error {
	if err := n.prepareClaims(s, settings.Claims); err != nil {
		return err
	}
	n.issuer, n.policy = settings.Issuer, settings.NamePolicy
	var err error
	n.templates, err = settings.Options.load(s.stepPath)
	if err == nil && len(n.templates.webhooks) > 0 && !s.webhooks {
		err = errors.New("options.webhooks: this version calls no webhooks, and will not issue what they might refuse")
	}
	return err
}

func (n *Named) shared() *Named { return n }

// LogValue implements slog.LogValuer: type and name, and no secrets.
func (n *Named) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", n.Name), slog.String("type", n.Type))
}

// SetID implements Provisioner.
func (n *Named) SetID(id string) { n.id = id }

// Rules implements Provisioner.
func (n *Named) Rules() Rules { return n.rules }

// X509Template implements Provisioner.
func (n *Named) X509Template() Template { return n.templates.x509 }

// SSHTemplate implements Provisioner.
func (n *Named) SSHTemplate() Template { return n.templates.ssh }

// Webhooks implements Provisioner.
func (n *Named) Webhooks() []Webhook { return n.templates.webhooks }

// Policy implements Provisioner.
func (n *Named) Policy() json.RawMessage { return n.policy }

// ref returns the reference of a provisioner of the given type.
func (n *Named) ref(typ ca.ProvisionerType, tokenID string) ca.ProvisionerRef {
	id := n.id
	if id == "" {
		id = tokenID
	}
	return ca.ProvisionerRef{ID: id, Name: n.Name, Type: typ.String()}
}

// extension returns the provisioner extension, nil if it is switched off.
func (n *Named) extension(typ ca.ProvisionerType, credentialID string) *ca.ProvisionerExtension {
	if n.rules.DisableSmallstepExtensions {
		return nil
	}
	return &ca.ProvisionerExtension{Type: typ, Name: []byte(n.Name), CredentialID: []byte(credentialID)}
}
