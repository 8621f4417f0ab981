package va

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"time"

	"stepca/acme"
	"stepca/ca"
)

// UserAgent is how http-01 requests are made known to servers.
const UserAgent = "step-ca (ACME validation; RFC 8555)"

// DefaultTimeout bounds one attempt, with all its look-ups and redirects.
const DefaultTimeout = 20 * time.Second

// A Config says how to look at the world. Its zero value validates as a CA on
// the public network does.
type Config struct {
	// HTTPPort and TLSPort are the ports of http-01 and tls-alpn-01; zero means 80
	// and 443. Others are for tests.
	HTTPPort, TLSPort int

	// StrictFQDN takes names as fully qualified: no search list of the resolver is
	// tried.
	StrictFQDN bool

	// Resolver looks up names; nil means net.DefaultResolver at the time of use.
	Resolver *net.Resolver

	// HTTPProxy is where http-01 requests go through; nil connects to the servers
	// themselves. The proxy looks names up, so it has to refuse link-local and
	// metadata addresses itself, and is trusted to say what the server of a name
	// answers. The proxy that the environment names is not used: it is set for other
	// reasons.
	HTTPProxy *url.URL

	// AndroidStatus returns the attestation keys that Google has revoked; nil
	// downloads Google's list, at most once a day.
	AndroidStatus AndroidStatusFunc

	Timeout time.Duration    // of one attempt; zero means DefaultTimeout
	Now     func() time.Time // current time; nil means time.Now
}

// A Validator validates challenges. It is safe for concurrent use.
type Validator struct {
	cfg     Config
	android androidStatus
}

// New returns a Validator.
func New(cfg Config) *Validator {
	if cfg.HTTPPort == 0 {
		cfg.HTTPPort = 80
	}
	if cfg.TLSPort == 0 {
		cfg.TLSPort = 443
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	v := &Validator{cfg: cfg}
	v.android.fetch = cfg.AndroidStatus
	if v.android.fetch == nil {
		v.android.fetch = v.downloadAndroidStatus
	}
	return v
}

// Validate implements acme.Validator: it makes one attempt. When the caller gives
// up, the error is the context's own.
func (v *Validator) Validate(ctx context.Context, req *acme.Validation) (*acme.Attestation, error) {
	attempt, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	attestation, err := v.validate(attempt, req)
	if err == nil && req.CheckCAA && req.Identifier.Type == ca.DNS {
		err = v.lookAtCAA(attempt, req)
	}
	switch {
	case err == nil:
		return attestation, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, err
}

func (v *Validator) validate(ctx context.Context, req *acme.Validation) (*acme.Attestation, error) {
	if problem := supports(req); problem != nil {
		return nil, problem
	}
	switch req.Type {
	case acme.HTTP01:
		return nil, orNil(v.http01(ctx, req))
	case acme.DNS01:
		return nil, orNil(v.dns01(ctx, req))
	case acme.DNSAccount01:
		return nil, orNil(v.dnsAccount01(ctx, req))
	case acme.DNSPersist01:
		return nil, orNil(v.dnsPersist01(ctx, req))
	case acme.TLSALPN01:
		return nil, orNil(v.tlsALPN01(ctx, req))
	}
	return v.deviceAttest01(ctx, req)
}

// supports refuses pairs of a challenge and an identifier that cannot be
// validated. It is the last defence, after the server's choice of challenges.
func supports(req *acme.Validation) *acme.Problem {
	var ok bool
	switch req.Type {
	case acme.HTTP01, acme.TLSALPN01: // RFC 8555 §8.3, RFC 8737 §3: never wildcards
		ok = !req.Wildcard && (req.Identifier.Type == ca.DNS || req.Identifier.Type == ca.IP)
	case acme.DNS01, acme.DNSAccount01, acme.DNSPersist01: // RFC 8738 §7: never addresses
		ok = req.Identifier.Type == ca.DNS
	case acme.DeviceAttest01:
		ok = req.Identifier.Type == ca.PermanentIdentifier
	default:
		return terminal(acme.ProblemMalformed, "challenge type %q is not known", req.Type)
	}
	if !ok {
		return terminal(acme.ProblemMalformed, "challenge %s cannot validate identifier %s (wildcard: %v)", req.Type, req.Identifier, req.Wildcard)
	}
	if req.Identifier.Type == ca.IP {
		if _, err := netip.ParseAddr(req.Identifier.Value); err != nil {
			return terminal(acme.ProblemMalformed, "%q is not an IP address", req.Identifier.Value)
		}
	}
	return nil
}
