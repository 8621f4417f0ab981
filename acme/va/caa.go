package va

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

// maxCAARecords are looked at in one answer.
const maxCAARecords = 100

// CheckCAA implements acme.CAAChecker.
func (v *Validator) CheckCAA(ctx context.Context, req *acme.Validation) error {
	if req.Identifier.Type != ca.DNS {
		return nil // RFC 8659 §3 is about domain names
	}
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	return v.lookAtCAA(ctx, req)
}

// lookAtCAA looks up the CAA records that apply to a name (RFC 8659 §3) and says
// with a problem of type caa if they do not let the CA issue, with the parameters
// of RFC 8657. A failed look-up is a refusal too, of type dns.
func (v *Validator) lookAtCAA(ctx context.Context, req *acme.Validation) error {
	for name := strings.TrimSuffix(req.Identifier.Value, "."); name != ""; name = parent(name) {
		set, err := v.lookupCAA(ctx, name)
		if err != nil {
			return retryable(acme.ProblemDNS, err, "looking up the CAA records of %s: %s", name, reason(err))
		}
		if len(set) > 0 {
			return orNil(judgeCAA(name, set, req))
		}
	}
	return nil
}

func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// lookupCAA returns the CAA records of one name; none if it does not exist.
func (v *Validator) lookupCAA(ctx context.Context, name string) ([]*dns.CAA, error) {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(name), dns.TypeCAA)
	query.SetEdns0(1232, true)
	answer, err := v.exchange(ctx, query)
	if err == nil && answer.Rcode == dns.RcodeFormatError {
		query.Extra = nil // RFC 6891 §7: it does not know EDNS
		answer, err = v.exchange(ctx, query)
	}
	if err != nil {
		return nil, err
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("the resolver answered %s", dns.RcodeToString[answer.Rcode])
	}
	var set []*dns.CAA
	for _, rr := range answer.Answer {
		if caa, ok := rr.(*dns.CAA); ok {
			set = append(set, caa)
		}
	}
	if len(set) > maxCAARecords {
		return nil, fmt.Errorf("there are more than %d of them", maxCAARecords)
	}
	return set, nil
}

// judgeCAA applies the records found at a name.
func judgeCAA(name string, set []*dns.CAA, req *acme.Validation) *acme.Problem {
	var issue, issueWild []*dns.CAA
	for _, caa := range set {
		switch strings.ToLower(caa.Tag) {
		case "issue":
			issue = append(issue, caa)
		case "issuewild":
			issueWild = append(issueWild, caa)
		case "iodef", "issuemail", "issuevmc", "contactemail", "contactphone":
		default:
			if caa.Flag&128 != 0 {
				return terminal(acme.ProblemCAA, "the CAA records of %s have the critical property %q, which this authority does not know", name, clip(caa.Tag))
			}
		}
	}
	governing := issue
	if req.Wildcard && len(issueWild) > 0 {
		governing = issueWild
	}
	if len(governing) == 0 {
		return nil
	}
	var found []string
	for _, caa := range governing {
		if permits(caa.Value, req) {
			return nil
		}
		found = append(found, caa.Tag+" "+caa.Value)
	}
	return terminal(acme.ProblemCAA, "the CAA records of %s do not let %s issue for this account with %s; found %s",
		name, strings.Join(req.IssuerDomainNames, ", "), req.Type, listRecords(found))
}

// permits reports whether the value of an issue property names one of the
// issuers with parameters that fit (RFC 8657 §3, §4). Malformed values permit
// nobody (RFC 8659 §4.2).
func permits(value string, req *acme.Validation) bool {
	parameters, ours := namesIssuer(value, req)
	values, err := parseParameters(parameters)
	if !ours || err != nil {
		return false
	}
	if account, ok := values["accounturi"]; ok && account != req.AccountURL {
		return false
	}
	methods, ok := values["validationmethods"]
	return !ok || slices.Contains(strings.Split(methods, ","), string(req.Type))
}
