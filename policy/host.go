package policy

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// asciiHost returns a host name in lower-case A-labels (RFC 5890 §2.3.2.1), and
// refuses what is no host name: empty labels, other characters than letters,
// digits and hyphens.
func asciiHost(name string) (string, error) {
	if isASCIIHost(name) {
		return name, nil
	}
	if name == "" || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..") {
		return "", errors.New("empty label")
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", err
	}
	// The conversion maps other full stops to '.', and some characters to none.
	if ascii == "" || ascii[0] == '.' || ascii[len(ascii)-1] == '.' || strings.Contains(ascii, "..") {
		return "", errors.New("empty label")
	}
	return ascii, nil
}

// isASCIIHost reports whether a name is certain to need no conversion. It is
// false for some names that the conversion accepts.
func isASCIIHost(name string) bool {
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '.' {
			c := name[i]
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
			continue
		}
		label := name[start:i]
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || len(label) > 3 && label[2:4] == "--" {
			return false
		}
		start = i + 1
	}
	return true
}

// hostRules are rules for host names.
type hostRules struct {
	exact   map[string]struct{} // host.example.com
	wild    map[string]struct{} // example.com for *.example.com
	parents map[string]struct{} // example.com for host.example.com
}

func (r *hostRules) empty() bool { return len(r.exact)+len(r.wild) == 0 }

func (r *hostRules) add(host string, wildcard bool) {
	if wildcard {
		addTo(&r.wild, host)
		return
	}
	addTo(&r.exact, host)
	if _, parent, ok := strings.Cut(host, "."); ok {
		addTo(&r.parents, parent)
	}
}

func addTo(set *map[string]struct{}, s string) {
	if *set == nil {
		*set = map[string]struct{}{}
	}
	(*set)[s] = struct{}{}
}

func has(set map[string]struct{}, s string) bool {
	_, ok := set[s]
	return ok
}

// matches reports whether a rule names the host.
func (r *hostRules) matches(host string) bool {
	if has(r.exact, host) {
		return true
	}
	_, parent, ok := strings.Cut(host, ".")
	return ok && has(r.wild, parent)
}

// overlaps reports whether some host below parent is named by a rule.
func (r *hostRules) overlaps(parent string) bool {
	return has(r.wild, parent) || has(r.parents, parent)
}
