package policy

import (
	"net/netip"
	"net/url"
	"strings"

	"stepca/ca"
)

// lists are the rules of one policy, and how they are read.
type lists struct {
	allow, deny rules
	anyAllow    bool // there is an allow rule of some kind
	wildcards   bool // X509Options.AllowWildcardNames
	strict      bool // X509Options.Strict
}

// A subject is a name under judgement: what is compared, and how it is spoken of
// in a refusal. They differ for common names, which may be judged as a DNS name.
type subject struct {
	ca.Identifier
	shown ca.IdentifierType
}

func (s *subject) refuse(before, after string) error {
	return &ca.Error{
		Kind:       ca.ErrRejectedIdentifier,
		Detail:     before + string(s.shown) + after,
		Identifier: &ca.Identifier{Type: s.shown, Value: s.Value},
	}
}

func (s *subject) notAllowed() error {
	return s.refuse("", ` name "`+s.Value+`" not allowed`)
}

func (s *subject) cannotParse(what string) error {
	return s.refuse("cannot parse ", " "+what+` "`+s.Value+`"`)
}

func (s *subject) cannotMatch() error {
	return s.refuse("error matching ", ` name "`+s.Value+`" to constraint`)
}

// judge holds a name against the rules of its kind.
func (l *lists) judge(s subject) error {
	switch s.Type {
	case ca.DNS:
		return l.judgeDNS(s)
	case ca.IP:
		return l.judgeIP(s)
	case ca.Email:
		return l.judgeEmail(s)
	case ca.URI:
		return l.judgeURI(s)
	case ca.Principal:
		return l.judgePrincipal(s)
	case ca.PermanentIdentifier:
		// Compatible: an order's permanent identifier is judged by its looks.
		s.Type = ca.ParseSAN(s.Value).Type
		return l.judge(s)
	}
	return l.judgeOther(s)
}

// decide applies the order of precedence: denied, then allowed, then what the
// absence of rules means.
func (l *lists) decide(s subject, hasAllow, isDenied, isAllowed bool) error {
	switch {
	case isDenied:
		return s.notAllowed()
	case isAllowed:
		return nil
	case hasAllow || l.strict && l.anyAllow:
		return s.notAllowed()
	}
	return nil
}

// withoutRules decides on a name whose kind has no rules.
func (l *lists) withoutRules(s subject) error {
	if l.anyAllow {
		return s.notAllowed()
	}
	return nil
}

func (l *lists) judgeDNS(s subject) error {
	if l.allow.dns.empty() && l.deny.dns.empty() {
		return l.withoutRules(s)
	}
	rest, wildcard := strings.CutPrefix(s.Value, "*.")
	host, err := asciiHost(rest)
	if err != nil {
		return s.cannotParse("domain")
	}
	hasAllow := !l.allow.dns.empty()
	if wildcard {
		// A wildcard certificate serves every host below the domain, so it is
		// denied with any of them, and allowed only by a rule for all.
		return l.decide(s, hasAllow, l.deny.dns.overlaps(host), l.wildcards && has(l.allow.dns.wild, host))
	}
	return l.decide(s, hasAllow, l.deny.dns.matches(host), l.allow.dns.matches(host))
}

func (l *lists) judgeIP(s subject) error {
	if len(l.allow.ip) == 0 && len(l.deny.ip) == 0 {
		return l.withoutRules(s)
	}
	addr, err := netip.ParseAddr(s.Value)
	if err != nil || addr.Zone() != "" {
		return s.cannotMatch()
	}
	addr = addr.Unmap()
	return l.decide(s, len(l.allow.ip) > 0, l.deny.matchesIP(addr), l.allow.matchesIP(addr))
}

func (l *lists) judgeEmail(s subject) error {
	if l.allow.email.empty() && l.deny.email.empty() {
		return l.withoutRules(s)
	}
	at := strings.LastIndexByte(s.Value, '@')
	if at <= 0 {
		return s.cannotParse("rfc822Name")
	}
	local := s.Value[:at]
	host, err := asciiHost(strings.ToLower(s.Value[at+1:]))
	if err != nil || !isMailbox(local, host) {
		return s.cannotParse("rfc822Name")
	}
	// Mail systems that tell Joe from joe hardly exist: a deny rule means both,
	// while an allow rule means what it says.
	mailbox := local + "@" + host
	isDenied := has(l.deny.email.domains, host) || has(l.deny.email.folded, strings.ToLower(mailbox))
	isAllowed := has(l.allow.email.domains, host) || has(l.allow.email.mailboxes, mailbox)
	return l.decide(s, !l.allow.email.empty(), isDenied, isAllowed)
}

func (l *lists) judgeURI(s subject) error {
	if l.allow.uri.empty() && l.deny.uri.empty() {
		return l.withoutRules(s)
	}
	uri, err := url.Parse(s.Value)
	if err != nil {
		return s.cannotMatch()
	}
	host := strings.ToLower(uri.Hostname())
	if isAddress(host) {
		return s.cannotMatch()
	}
	if host, err = asciiHost(host); err != nil {
		return s.cannotMatch()
	}
	return l.decide(s, !l.allow.uri.empty(), l.deny.uri.matches(host), l.allow.uri.matches(host))
}

func (l *lists) judgePrincipal(s subject) error {
	if len(l.allow.principal) == 0 && len(l.deny.principal) == 0 {
		return l.withoutRules(s)
	}
	name := strings.ToLower(s.Value)
	return l.decide(s, len(l.allow.principal) > 0,
		l.deny.anyPrincipal || has(l.deny.principal, name),
		l.allow.anyPrincipal || has(l.allow.principal, name))
}

// judgeOther refuses what the other rules cannot judge, unless it is allowed by
// name: a policy that says nothing of user principal names did not mean to open
// them to everyone.
func (l *lists) judgeOther(s subject) error {
	if l.deny.matchesOther(s.Value) || !l.allow.matchesOther(s.Value) {
		return s.notAllowed()
	}
	return nil
}
