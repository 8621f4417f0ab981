package va

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"strings"

	"stepca/acme"
)

const maxShownRecords = 5 // TXT records quoted in a problem

// dns01 looks for the digest of the key authorization among the TXT records of
// _acme-challenge (RFC 8555 §8.4), the same for a name and its wildcard.
func (v *Validator) dns01(ctx context.Context, req *acme.Validation) *acme.Problem {
	return v.txt(ctx, "_acme-challenge."+req.Identifier.Value, req.KeyAuthorization)
}

// txt looks for the digest of a key authorization at a name. A record's strings
// are joined (RFC 7208 §3.3 style), and aliases are followed by the resolver.
func (v *Validator) txt(ctx context.Context, name, keyAuthorization string) *acme.Problem {
	records, err := v.textResolver().LookupTXT(ctx, v.fqdn(name))
	if err != nil {
		return dnsProblem(err, "TXT record of "+name)
	}
	sum := sha256.Sum256([]byte(keyAuthorization))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	for _, record := range records {
		if subtle.ConstantTimeCompare([]byte(record), []byte(want)) == 1 {
			return nil
		}
	}
	return retryable(acme.ProblemIncorrectResponse, nil, "no TXT record of %s is %q; found %s", name, want, listRecords(records))
}

// listRecords quotes the first few records.
func listRecords(records []string) string {
	var quoted []string
	for i, r := range records {
		if i == maxShownRecords {
			quoted = append(quoted, "…")
			break
		}
		quoted = append(quoted, quote(r))
	}
	return strings.Join(quoted, ", ")
}

// dnsProblem says that a look-up failed; what is the record or address.
func dnsProblem(err error, what string) *acme.Problem {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && dns.IsNotFound:
		return retryable(acme.ProblemDNS, err, "there is no %s", what)
	case ok && dns.IsTimeout, errors.Is(err, context.DeadlineExceeded):
		return retryable(acme.ProblemDNS, err, "looking up the %s: no answer in time", what)
	case ok:
		return retryable(acme.ProblemDNS, err, "looking up the %s: %s", what, dns.Err)
	}
	return retryable(acme.ProblemDNS, err, "looking up the %s: %s", what, reason(err))
}
