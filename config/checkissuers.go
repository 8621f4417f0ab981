package config

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"time"
)

func (c *CRL) check(r *report, at string) {
	if c == nil {
		return
	}
	cache, renew := time.Duration(c.CacheDuration), time.Duration(c.RenewPeriod)
	switch {
	case cache < 0:
		r.errorf(at+".cacheDuration", "crl.cacheDuration must be greater than or equal to 0")
	case renew < 0:
		r.errorf(at+".renewPeriod", "crl.renewPeriod must be greater than or equal to 0")
	case renew > c.Cache():
		r.errorf(at+".renewPeriod", "crl.cacheDuration must be greater than or equal to crl.renewPeriod")
	}
	checkURL(r, at+".idpURL", c.IDPURL)
}

func (o *OCSP) check(r *report, at string) {
	if o != nil && o.Validity < 0 {
		r.errorf(at+".validity", "%s.validity must be greater than or equal to 0", at)
	}
}

func (a *AIA) check(r *report, at string) {
	if a == nil {
		return
	}
	for _, l := range []struct {
		key  string
		urls Strings
	}{{"ocsp", a.OCSP}, {"caIssuers", a.CAIssuers}, {"crl", a.CRL}} {
		for i, u := range l.urls {
			if u == "" {
				r.errorf(index(at+"."+l.key, i), "the URL is empty")
			}
			checkURL(r, index(at+"."+l.key, i), u)
		}
	}
}

// checkURL warns of a URL that those who read it in a certificate cannot use.
func checkURL(r *report, path, s string) {
	if s == "" {
		return
	}
	if u, err := url.Parse(s); err != nil || u.Scheme == "" || (u.Host == "" && u.Scheme != "urn") {
		r.warnf(path, "%q is not an absolute URL", s)
	}
}

func (c *Config) checkIssuers(r *report) {
	switch c.Lint.Mode() {
	case LintAlways, LintShape, LintOff:
	default:
		r.errorf("lint", "unsupported lint mode '%s'", c.Lint).suggest("the modes are always, shape and off")
	}
	c.OCSP.check(r, "ocsp")
	c.AIA.check(r, "aia")
	if c.IsRA() && c.CRL.IsEnabled() {
		r.errorf("crl.enabled", "could not generate a CRL: CA does not support CRL Generation").
			suggest("the CA that signs is another one (authority.type): have it make the CRL")
	}

	states := map[string]IssuerState{}
	if c.Crt != "" || c.Key != "" {
		states[DefaultIssuer] = IssuerActive
	}
	active := len(states) > 0
	for i, is := range c.Issuers {
		at := index("issuers", i)
		is.check(r, at)
		if _, taken := states[is.Name]; taken {
			f := r.errorf(at+".name", "there is more than one issuer called %q", is.Name)
			if is.Name == DefaultIssuer {
				f.suggest("that is the one that the keys crt and key configure")
			}
		}
		states[is.Name] = cmp.Or(is.State, IssuerActive)
		active = active || states[is.Name] == IssuerActive
	}
	if len(c.Issuers) > 0 && !active {
		r.errorf("issuers", "no issuer is active, so that nothing can be signed")
	}
	for i, raw := range c.Authority.Provisioners {
		named := namedIssuers(raw)
		for _, path := range slices.Sorted(maps.Keys(named)) {
			checkNamedIssuer(r, index("authority.provisioners", i)+"."+path, named[path], states)
		}
	}
}

// checkNamedIssuer checks the issuer that a provisioner names; "" is none.
func checkNamedIssuer(r *report, at, name string, states map[string]IssuerState) {
	switch state, ok := states[name]; {
	case name == "":
	case !ok:
		r.errorf(at, "there is no issuer called %q", name)
	case state != IssuerActive:
		r.warnf(at, "issuer %q is %s and signs nothing, so that what is asked for here will be refused", name, state)
	}
}

// namedIssuers returns the issuers that a provisioner and its profiles name, by
// their place in its JSON.
func namedIssuers(raw []byte) map[string]string {
	n, _, err := parseNode(raw)
	if err != nil {
		return nil
	}
	named := map[string]string{"issuer": n.get("issuer").text()}
	if profiles := n.get("profiles"); profiles != nil {
		for _, m := range profiles.members {
			named["profiles."+m.key+".issuer"] = m.value.get("issuer").text()
		}
	}
	return named
}

func (is *Issuer) check(r *report, at string) {
	for _, m := range []struct{ key, value string }{{"name", is.Name}, {"crt", is.Crt}, {"key", is.Key}} {
		if m.value == "" {
			r.errorf(at+"."+m.key, "%s cannot be empty", m.key)
		}
	}
	switch is.State {
	case "", IssuerStaged, IssuerActive, IssuerRetired:
	default:
		r.errorf(at+".state", "unsupported issuer state '%s'", is.State).suggest("the states are staged, active and retired")
	}
	is.CRL.check(r, at+".crl")
	is.OCSP.check(r, at+".ocsp")
	is.AIA.check(r, at+".aia")
}
