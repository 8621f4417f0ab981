package provisioner

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// A Config is what a Collection is made with.
type Config struct {
	Claims   *Claims  // of the authority; nil for the built-in ones
	DNSNames []string // of the CA, as audiences of tokens have them; no ports
	StepPath string   // directory that templateFile is relative to

	// Roots are the CA's own, to which the certificates in renew tokens lead; nil
	// refuses all renew tokens.
	Roots *x509.CertPool

	// SSHUserKeys and SSHHostKeys are the public keys with which this CA signs
	// user and host certificates.
	SSHUserKeys, SSHHostKeys []ssh.PublicKey

	// Webhooks reports that the pipeline calls webhooks. Without it a provisioner
	// that has some is not initialized: what they guard must not go unguarded.
	Webhooks bool

	// Started is when the CA started or was reloaded. Tokens made before, to the
	// second, are refused; zero accepts them.
	Started time.Time

	// DisableIssuedAtCheck accepts tokens made before Started.
	DisableIssuedAtCheck bool

	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // warnings about the configuration; nil discards
}

// A Collection is the set of provisioners of a CA. It never changes, and is safe
// for concurrent use.
type Collection struct {
	entries       []*entry // in the order of configuration
	byID          map[string]*entry
	byName        map[string]*entry
	byTokenID     map[string]*entry
	encryptedKeys map[string]string // by key ID

	anonymous Named // vouches for certificates without a provisioner, at renewal
	audiences audiences
	roots     *x509.CertPool
	started   int64 // seconds since 1970; 0 for no check
	now       func() time.Time
}

// An entry is one provisioner in a collection.
type entry struct {
	Provisioner
	ref    ca.ProvisionerRef
	err    error           // why it is not initialized; nil if it is
	uid    string          // its place in the list, 40 hexadecimal digits
	public json.RawMessage // what the list shows
}

// NewCollection makes provisioners ready and collects them. It takes them over:
// none may be in another collection.
//
// One that cannot be made ready, because of its claims or a template that is not
// there, stays in the collection without authorizing anything; Failures says
// why, and so does the log. The errors are faults of the authority's claims, and
// *CollisionError for provisioners that cannot be told apart, all of them joined.
func NewCollection(provisioners []Provisioner, cfg Config) (*Collection, error) {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	rules := builtinRules().merge(cfg.Claims)
	if err := rules.validate(); err != nil {
		return nil, fmt.Errorf("error generating provisioner config: %w", err)
	}
	c := &Collection{
		byID:          make(map[string]*entry),
		byName:        make(map[string]*entry),
		byTokenID:     make(map[string]*entry),
		encryptedKeys: make(map[string]string),
		anonymous:     Named{state: state{rules: rules, now: cfg.Now}},
		audiences:     newAudiences(cfg.DNSNames),
		roots:         cfg.Roots,
		now:           cfg.Now,
	}
	if !cfg.Started.IsZero() && !cfg.DisableIssuedAtCheck {
		c.started = cfg.Started.Unix()
	}
	s := &setup{
		rules: rules, stepPath: cfg.StepPath, now: cfg.Now, log: cfg.Log,
		userKeys: cfg.SSHUserKeys, hostKeys: cfg.SSHHostKeys, webhooks: cfg.Webhooks,
	}
	var errs []error
	for _, p := range provisioners {
		errs = append(errs, c.add(p, s))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// add makes a provisioner ready and puts it in.
func (c *Collection) add(p Provisioner, s *setup) error {
	ref := p.Ref()
	log := s.log.With("provisioner", ref)
	for _, warning := range Warnings(p) {
		log.Warn(warning)
	}
	if _, ok := p.(*Unknown); ok {
		return nil
	}
	e := &entry{Provisioner: p, ref: ref, uid: uid(len(c.entries), ref.ID)}
	if err := c.index(e); err != nil {
		return err
	}
	if e.err = p.prepare(s); e.err != nil {
		log.Error(fmt.Sprintf("failed to initialize %s provisioner %q: %v", ref.Type, ref.Name, e.err))
	}
	var err error
	if e.public, err = publicJSON(p, e.err); err != nil {
		return fmt.Errorf("provisioner %q: %w", ref.Name, err)
	}
	if jwk, ok := p.(*JWK); ok && jwk.EncryptedKey != "" && jwk.Key != nil {
		c.encryptedKeys[jwk.Key.KeyID] = jwk.EncryptedKey
	}
	c.entries = append(c.entries, e)
	return nil
}

// A CollisionError is about two provisioners that cannot be told apart.
type CollisionError struct {
	Property      string // "id", "name" or "token identifier"
	First, Second ca.ProvisionerRef
}

// Error names the property, and the provisioners after it.
func (e *CollisionError) Error() string {
	text := "cannot add multiple provisioners with the same " + e.Property
	if e.First.Type == ca.TypeK8sSA.String() && e.Second.Type == e.First.Type && e.Property != "name" {
		text = "cannot have more than one kubernetes service account provisioner"
	}
	return fmt.Sprintf("%s: %q and %q", text, e.First.Name, e.Second.Name)
}

// index enters a provisioner under its ID, name and token ID.
func (c *Collection) index(e *entry) error {
	tokenID := e.TokenID()
	for _, place := range []struct {
		property string
		entries  map[string]*entry
		key      string
	}{
		{"id", c.byID, e.ref.ID},
		{"name", c.byName, e.ref.Name},
		{"token identifier", c.byTokenID, tokenID},
	} {
		if other, taken := place.entries[place.key]; taken {
			return &CollisionError{place.property, other.ref, e.ref}
		}
	}
	c.byID[e.ref.ID], c.byName[e.ref.Name], c.byTokenID[tokenID] = e, e, e
	return nil
}

// All returns the provisioners in the order of configuration, those that are not
// initialized among them.
func (c *Collection) All() []Provisioner {
	all := make([]Provisioner, len(c.entries))
	for i, e := range c.entries {
		all[i] = e.Provisioner
	}
	return all
}

// ByID returns the provisioner with an ID.
func (c *Collection) ByID(id string) (Provisioner, bool) { return found(c.byID, id) }

// ByName returns the provisioner with a name, which is case-sensitive.
func (c *Collection) ByName(name string) (Provisioner, bool) { return found(c.byName, name) }

// ByTokenID returns the provisioner that tokens find by that ID.
func (c *Collection) ByTokenID(id string) (Provisioner, bool) { return found(c.byTokenID, id) }

func found(entries map[string]*entry, key string) (Provisioner, bool) {
	e, ok := entries[key]
	if !ok {
		return nil, false
	}
	return e.Provisioner, true
}

// ACME returns the ACME provisioner with a name. The errors are ca.ErrNotFound,
// and ca.ErrUnauthorized for one that is not initialized.
func (c *Collection) ACME(name string) (*ACME, error) {
	e := c.byName[name]
	if e == nil {
		return nil, ca.Hidden(ca.ErrNotFound, "provisioner %q not found", name)
	}
	p, ok := e.Provisioner.(*ACME)
	if !ok {
		return nil, ca.Hidden(ca.ErrNotFound, "provisioner %q is of type %s", name, e.ref.Type)
	}
	if err := e.ready(); err != nil {
		return nil, err
	}
	return p, nil
}

// ready returns the error for a provisioner that is not initialized.
func (e *entry) ready() error {
	if e.err == nil {
		return nil
	}
	return &ca.Error{
		Kind:   ca.ErrUnauthorized,
		Detail: fmt.Sprintf("provisioner %q is disabled due to an initialization error", e.ref.Name),
		Cause:  e.err,
	}
}

// A Failure is a provisioner that is not initialized, and why.
type Failure struct {
	Provisioner ca.ProvisionerRef
	Err         error
}

// Failures returns the provisioners that are not initialized.
func (c *Collection) Failures() []Failure {
	var failures []Failure
	for _, e := range c.entries {
		if e.err != nil {
			failures = append(failures, Failure{e.ref, e.err})
		}
	}
	return failures
}

// A NamedTemplate is a custom template with where it is from.
type NamedTemplate struct {
	Provisioner ca.ProvisionerRef
	Path        string // in the JSON of the provisioner, as "options.x509"
	SSH         bool   // for SSH certificates, not X.509
	Source      string
}

// Templates returns the custom templates of provisioners that are initialized,
// so that they can be parsed before they are needed.
func (c *Collection) Templates() []NamedTemplate {
	var list []NamedTemplate
	for _, e := range c.entries {
		if e.err != nil {
			continue
		}
		if source := e.X509Template().Source; source != "" {
			list = append(list, NamedTemplate{e.ref, "options.x509", false, source})
		}
		if source := e.SSHTemplate().Source; source != "" {
			list = append(list, NamedTemplate{e.ref, "options.ssh", true, source})
		}
		if p, ok := e.Provisioner.(*ACME); ok {
			list = append(list, p.profileTemplates()...)
		}
	}
	return list
}

// EncryptedKey returns the compact JWE of the private key with a key ID. If
// several provisioners share the key, it is the last one's.
func (c *Collection) EncryptedKey(keyID string) (string, bool) {
	key, ok := c.encryptedKeys[keyID]
	return key, ok
}
