package issue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"stepca/ca"
	"stepca/policy"
	"stepca/store"
	"stepca/template"
)

// DefaultBackdate is how long before signing NotBefore is set, so that peers
// whose clock is a little slow accept a fresh certificate.
const DefaultBackdate = time.Minute

// A Store keeps what was issued.
type Store interface {
	// Record spends the one-time ID and keeps the certificate in one
	// transaction. Errors: store.ErrTokenUsed, store.ErrSerialExists.
	Record(ctx context.Context, i *store.Issuance) error

	// RecordSSH is Record for the SSH certificates of one request, and the X.509
	// certificate that goes with them.
	RecordSSH(ctx context.Context, i *store.SSHIssuance) error

	// OpenIntent records what is about to be signed outside this process.
	OpenIntent(ctx context.Context, in *store.Intent) error

	// RecordRefusal notes a refused request; it does not wait for the disk.
	RecordRefusal(r *store.Refusal)
}

// An Observer hears of each request when it ends, for metrics. It must not block.
type Observer interface {
	Issued(Event)
}

// An Event is the outcome of one request.
type Event struct {
	Operation   ca.Operation
	Provisioner ca.ProvisionerRef // zero if the request got no grant
	Kind        string            // SSH: "user" or "host"; X.509: ""
	Err         error             // nil if a certificate was issued
	Sign, Store time.Duration     // time in the signer and in the store
	Total       time.Duration
}

// Config is what an Issuer is made of. It is not changed after New.
type Config struct {
	// Authorities are the X.509 issuers; one must be named DefaultAuthority
	// unless X.509 certificates are not issued at all.
	Authorities []*Authority

	Store Store

	// Policy is the authority's name policy; nil allows every name.
	// ProvisionerPolicies are those of provisioners, by ID; they come first.
	Policy              *policy.X509
	ProvisionerPolicies map[string]*policy.X509

	// SSH signs SSH certificates; nil if there is no SSH CA. SSHPolicy and
	// ProvisionerSSHPolicies are what Policy and ProvisionerPolicies are for X.509.
	SSH                    *SSHAuthority
	SSHPolicy              *policy.SSH
	ProvisionerSSHPolicies map[string]*policy.SSH

	// Subject holds attributes that certificates get where the template left
	// them empty (authority.template in ca.json).
	Subject template.Name

	Backdate time.Duration    // zero means DefaultBackdate, negative none
	Lint     LintMode         // "" means LintShape
	Now      func() time.Time // nil means time.Now
	Log      *slog.Logger     // one record for each issued or refused certificate; nil discards
	Observer Observer         // nil for none
}

// An Issuer is the pipeline with its keys. It is immutable and safe for
// concurrent use; a changed configuration makes a new one.
type Issuer struct {
	cfg         Config
	authorities map[string]*Authority
	ssh         *sshAuthority // nil without SSH CA
	ownKeys     ownKeys
	templates   template.Cache
	linter      linter
}

// New makes an Issuer.
func New(cfg Config) (*Issuer, error) {
	cfg.Backdate = cmp.Or(cfg.Backdate, DefaultBackdate)
	cfg.Backdate = max(cfg.Backdate, 0)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	i := &Issuer{cfg: cfg, authorities: make(map[string]*Authority)}
	for _, a := range cfg.Authorities {
		if err := a.prepare(); err != nil {
			return nil, err
		}
		if _, dup := i.authorities[a.Name]; dup {
			return nil, fmt.Errorf("two issuers are named %q", a.Name)
		}
		i.authorities[a.Name] = a
	}
	if len(cfg.Authorities) > 0 && i.authorities[DefaultAuthority] == nil {
		return nil, fmt.Errorf("no issuer is named %q", DefaultAuthority)
	}
	if cfg.SSH != nil {
		var err error
		if i.ssh, err = newSSHAuthority(cfg.SSH); err != nil {
			return nil, err
		}
		i.ownKeys = i.collectOwnKeys()
	}
	mode, err := ParseLintMode(string(cfg.Lint))
	if err != nil {
		return nil, err
	}
	i.linter.mode = mode
	return i, nil
}

// ParseTemplate parses the text of a custom X.509 template ahead of the first
// request for it.
func (i *Issuer) ParseTemplate(source string) error {
	_, err := i.templates.X509(ca.Template{Source: source})
	return err
}

// ParseSSHTemplate is ParseTemplate for a template of SSH certificates.
func (i *Issuer) ParseSSHTemplate(source string) error {
	_, err := i.templates.SSH(ca.Template{Source: source})
	return err
}

// Authority returns the named issuer ("" means the default), or nil.
func (i *Issuer) Authority(name string) *Authority {
	return i.authorities[cmp.Or(name, DefaultAuthority)]
}

// Authorities returns all issuers in the order of the configuration.
func (i *Issuer) Authorities() []*Authority { return i.cfg.Authorities }

// signing returns the authority that a grant names, if it may sign now.
func (i *Issuer) signing(name string) (*Authority, error) {
	a := i.Authority(name)
	switch {
	case a == nil:
		return nil, fmt.Errorf("issuer %q is not configured", cmp.Or(name, DefaultAuthority))
	case a.State == Staged || a.State == Retired:
		return nil, fmt.Errorf("issuer %q is %s and signs no certificates", a.Name, a.State)
	case a.Key == nil:
		return nil, fmt.Errorf("issuer %q: %w", a.Name, errNoKey)
	case a.expired(i.cfg.Now()):
		crt := a.Certificate()
		return nil, fmt.Errorf("issuer %q: its certificate %q is not valid now, only from %s to %s: renew it, or set the clock of this machine",
			a.Name, crt.Subject, crt.NotBefore.Format(time.RFC3339), crt.NotAfter.Format(time.RFC3339))
	}
	return a, nil
}

// An outcome is what finish says of a request.
type outcome struct {
	Event
	requestID string
	step      string // of the pipeline, where it ended
	subject   string // for whom; "" until the grant is there
	names     []ca.Identifier
	serial    string // of what was issued
}

// finish logs, counts and, where it was refused, records the end of a request.
func (i *Issuer) finish(o *outcome) {
	if i.cfg.Observer != nil {
		i.cfg.Observer.Issued(o.Event)
	}
	ctx := context.Background() // the record does not depend on who still waits
	attrs := append(make([]slog.Attr, 0, 6),
		slog.String("operation", string(o.Operation)), slog.Any("provisioner", o.Provisioner),
		slog.String("request-id", o.requestID), slog.String("subject", o.subject))
	if o.Err == nil {
		i.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "certificate issued", append(attrs, slog.String("serial", o.serial))...)
		return
	}
	i.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "certificate refused", append(attrs, slog.String("step", o.step), slog.String("error", logged(o.Err)))...)
	i.cfg.Store.RecordRefusal(&store.Refusal{
		Operation: o.Operation, Provisioner: o.Provisioner, RequestID: o.requestID,
		Subject: o.subject, Names: o.names, Step: o.step, Reason: o.Err.Error(),
	})
}

// maxLogged is how many octets of an error are logged, which may quote what
// somebody without any permission sent.
const maxLogged = 1 << 10

func logged(err error) string {
	text := err.Error()
	if len(text) > maxLogged {
		return strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	return text
}

// reasons name the kinds of errors for metrics and refusal records.
var reasons = []struct {
	kind error
	name string
}{
	{store.ErrTokenUsed, "token-reused"},
	{ca.ErrUnauthorized, "unauthorized"},
	{ca.ErrRejectedIdentifier, "rejected-identifier"},
	{ca.ErrForbidden, "forbidden"},
	{ca.ErrBadCSR, "bad-csr"},
	{ca.ErrBadPublicKey, "bad-public-key"},
	{ca.ErrMalformed, "malformed"},
	{ca.ErrAlreadyRevoked, "already-revoked"},
	{ca.ErrNotFound, "not-found"},
	{ca.ErrNotImplemented, "not-implemented"},
	{ca.ErrRateLimited, "rate-limited"},
	{ca.ErrUnavailable, "unavailable"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "timeout"},
}

// Reason returns a short fixed name for the kind of err, "internal" for those
// without one; it is a metrics label.
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.kind) {
			return r.name
		}
	}
	return "internal"
}
