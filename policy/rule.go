package policy

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
)

// rules are the allow or the deny rules of all kinds.
type rules struct {
	dns          hostRules
	uri          hostRules
	ip           []netip.Prefix
	email        emailRules
	cn           map[string]struct{} // lower case
	principal    map[string]struct{} // lower case
	other        map[string]struct{}
	anyPrincipal bool // principal "*"
	constraint   string
}

// permitted and excluded are RFC 5280's words (§4.2.1.10) for allow and deny.
const (
	permitted = "permitted"
	excluded  = "excluded"
)

func (r *rules) empty() bool {
	return r.dns.empty() && r.uri.empty() && len(r.ip) == 0 && r.email.empty() &&
		len(r.cn) == 0 && len(r.principal) == 0 && len(r.other) == 0
}

// parseAll hands each rule of a list to parse and collects what it refuses.
func (r *rules) parseAll(list []string, what string, f faults, parse func(string) error) {
	for i, rule := range list {
		if err := parse(rule); err != nil {
			f.add(i, fmt.Errorf("cannot parse %s %s constraint %q: %w", r.constraint, what, rule, err))
		}
	}
}

func normalize(rule string) string { return strings.ToLower(strings.TrimSpace(rule)) }

func (r *rules) addDNS(rule string) error {
	rule = normalize(rule)
	switch {
	case rule == "":
		return fmt.Errorf("domain constraint %q can not be empty", rule)
	case strings.Contains(rule, ".."):
		return fmt.Errorf("domain constraint %q cannot have empty labels", rule)
	case rule[0] == '.':
		return fmt.Errorf("domain constraint %q with wildcard should start with *", rule)
	}
	host, wildcard, err := parseHostRule(rule)
	if err != nil {
		return fmt.Errorf("domain constraint %q %w", rule, err)
	}
	r.dns.add(host, wildcard)
	return nil
}

func (r *rules) addURI(rule string) error {
	rule = normalize(rule)
	fault := ""
	switch {
	case rule == "":
		fault = "can not be empty"
	case strings.Contains(rule, "://"):
		fault = "contains scheme (not supported)"
	case strings.Contains(rule, ".."):
		fault = "cannot have empty labels"
	case rule[0] == '.':
		fault = "with wildcard should start with *"
	case isAddress(rule):
		fault = "cannot be an IP address"
	case strings.ContainsAny(rule, "[]"):
		fault = "contains brackets, it must be a host name"
	case strings.Contains(rule, ":"):
		fault = "cannot contain a port"
	}
	if fault != "" {
		return fmt.Errorf("URI domain constraint %q %s", rule, fault)
	}
	host, wildcard, err := parseHostRule(rule)
	if err != nil {
		return fmt.Errorf("URI domain constraint %q %w", rule, err)
	}
	r.uri.add(host, wildcard)
	return nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// parseHostRule parses host.example.com and *.example.com. A final full stop
// makes no difference.
func parseHostRule(rule string) (host string, wildcard bool, err error) {
	host, wildcard = strings.CutPrefix(rule, "*.")
	host = strings.TrimSuffix(host, ".")
	if strings.Contains(host, "*") {
		return "", false, errors.New("can only have a wildcard as its first label")
	}
	if host, err = asciiHost(host); err != nil {
		return "", false, fmt.Errorf("cannot be converted to ASCII: %w", err)
	}
	return host, wildcard, nil
}

func (r *rules) addIP(rule string) error {
	rule = strings.TrimSpace(rule)
	if addr, err := netip.ParseAddr(rule); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		r.ip = append(r.ip, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(rule)
	if err != nil {
		return errors.New("it is neither an IP address nor a range in CIDR form")
	}
	const mappedBits = 96 // of ::ffff:0:0/96
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= mappedBits {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-mappedBits)
	}
	r.ip = append(r.ip, prefix.Masked())
	return nil
}

func (r *rules) matchesIP(addr netip.Addr) bool {
	for _, prefix := range r.ip {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// emailRules are rules for e-mail addresses.
type emailRules struct {
	mailboxes map[string]struct{} // local part as written @ domain in A-labels
	folded    map[string]struct{} // the same with the local part in lower case
	domains   map[string]struct{} // any local part
}

func (r *emailRules) empty() bool { return len(r.mailboxes)+len(r.domains) == 0 }

func (r *rules) addEmail(rule string) error {
	rule = strings.TrimSpace(rule)
	if strings.Contains(rule, "*") {
		return fmt.Errorf("email constraint %q cannot contain asterisk", rule)
	}
	local, domain, hasAt := strings.Cut(rule, "@")
	if !hasAt {
		local, domain = "", rule
	}
	switch {
	case strings.Contains(domain, "@"):
		return fmt.Errorf("email constraint %q contains too many @ characters", rule)
	case domain == "":
		return fmt.Errorf("email constraint %q has no domain", rule)
	case domain[0] == '.':
		return fmt.Errorf("email constraint %q cannot start with period", rule)
	}
	host, err := asciiHost(strings.TrimSuffix(strings.ToLower(domain), "."))
	if err != nil {
		return fmt.Errorf("email constraint %q domain part: %w", rule, err)
	}
	if local == "" {
		addTo(&r.email.domains, host)
		return nil
	}
	if !isMailbox(local, host) {
		return fmt.Errorf("email constraint %q is not a mailbox", rule)
	}
	// The reference knows only the lower-case form, against which it holds the
	// local part of names with regard to case.
	addTo(&r.email.mailboxes, local+"@"+host)
	addTo(&r.email.mailboxes, strings.ToLower(local)+"@"+host)
	addTo(&r.email.folded, strings.ToLower(local)+"@"+host)
	return nil
}

// isMailbox reports whether local@host is an RFC 5322 address without quoting or
// comments.
func isMailbox(local, host string) bool {
	address, err := mail.ParseAddress(local + "@" + host)
	return err == nil && address.Name == "" && address.Address == local+"@"+host
}

func (r *rules) addCN(rule string) error {
	rule = normalize(rule)
	switch rule {
	case "":
		return fmt.Errorf("common name constraint %q can not be empty", rule)
	case "*":
		return fmt.Errorf("common name constraint %q cannot be a wildcard", rule)
	}
	addTo(&r.cn, rule)
	return nil
}

func (r *rules) addPrincipal(rule string) error {
	if rule == "*" {
		r.anyPrincipal = true
	}
	addTo(&r.principal, strings.ToLower(rule))
	return nil
}

func (r *rules) addOther(rule string) error {
	rule = strings.TrimSpace(rule)
	if rule == "" {
		return errors.New("it is empty")
	}
	addTo(&r.other, rule)
	return nil
}

// matchesOther looks for a rule that is the description, or its first words.
func (r *rules) matchesOther(description string) bool {
	for end := len(description); end > 0; end = strings.LastIndexByte(description[:end], ' ') {
		if has(r.other, description[:end]) {
			return true
		}
	}
	return false
}
