package va

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stepca/acme"
)

const maxTXTRecords = 100 // looked at in one answer

// dnsPersist01 looks for a record that lets an account have certificates for a
// name as long as it stands (draft-ietf-acme-dns-persist-02).
func (v *Validator) dnsPersist01(ctx context.Context, req *acme.Validation) *acme.Problem {
	name := "_validation-persist." + req.Identifier.Value
	records, err := v.textResolver().LookupTXT(ctx, v.fqdn(name))
	if err != nil {
		return dnsProblem(err, "TXT record of "+name)
	}
	found := retryable(acme.ProblemUnauthorized, nil, "no TXT record of %s is for one of the issuers %s; found %s",
		name, strings.Join(req.IssuerDomainNames, ", "), listRecords(records))
	for i, text := range records {
		if i == maxTXTRecords {
			break
		}
		parameters, ours := namesIssuer(text, req)
		if !ours {
			continue // another authority's, whatever is in it
		}
		record, err := parsePersist(parameters)
		if err != nil {
			found = retryable(acme.ProblemMalformed, err, "TXT record %s of %s: %v", quote(text), name, err)
			continue
		}
		why := record.refuses(req, v.cfg.Now())
		if why == "" {
			return nil
		}
		found = retryable(acme.ProblemUnauthorized, nil, "TXT record %s of %s %s", quote(text), name, why)
	}
	return found
}

// A persist is a record of dns-persist-01.
type persist struct {
	accountURI string
	wildcard   bool
	until      time.Time // zero means for ever
}

// refuses says why the record does not let the account have the name; "" if it
// does.
func (p *persist) refuses(req *acme.Validation, now time.Time) string {
	switch {
	case p.accountURI != req.AccountURL:
		return fmt.Sprintf("is for another account than %q", req.AccountURL)
	case req.Wildcard && !p.wildcard:
		return "does not have policy=wildcard"
	case !p.until.IsZero() && now.After(p.until):
		return "has expired on " + p.until.UTC().Format(time.RFC3339)
	}
	return ""
}

// parsePersist parses the parameters of a record. Unknown ones are ignored.
func parsePersist(parameters string) (*persist, error) {
	values, err := parseParameters(parameters)
	if err != nil {
		return nil, err
	}
	p := &persist{accountURI: values["accounturi"], wildcard: strings.EqualFold(values["policy"], "wildcard")}
	if p.accountURI == "" {
		return nil, errors.New("accounturi is missing")
	}
	if until, ok := values["persistuntil"]; ok {
		seconds, err := strconv.ParseInt(until, 10, 64)
		if err != nil || seconds < 0 {
			return nil, errors.New("persistUntil is not a number of seconds")
		}
		p.until = time.Unix(seconds, 0)
	}
	return p, nil
}
