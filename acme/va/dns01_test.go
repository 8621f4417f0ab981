package va

import (
	"errors"
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
)

func TestDNSChallenges(t *testing.T) {
	t.Parallel()
	digest := digestText(testKeyAuth)
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	v := New(Config{StrictFQDN: true, Now: func() time.Time { return now }, Resolver: zone{
		"_acme-challenge.plain.example. TXT":                                {`"` + digest + `"`},
		"_acme-challenge.several.example. TXT":                              {`"other"`, `"` + digest + `"`},
		"_acme-challenge.split.example. TXT":                                {`"` + digest[:10] + `" "` + digest[10:] + `"`},
		"_acme-challenge.alias.example. CNAME":                              {"step.example."},
		"step.example. CNAME":                                               {"target.example."},
		"target.example. TXT":                                               {`"` + digest + `"`},
		"_acme-challenge.wrong.example. TXT":                                {`"wrong"`},
		"_acme-challenge.broken.example. FAIL":                              {""},
		accountLabel(testAccount) + "._acme-challenge.account.example. TXT": {`"` + digest + `"`},
		"_validation-persist.persist.example. TXT":                          {`"other.example; accounturi=x"`, `"CA.example.; accounturi=` + testAccount + `"`},
		"_validation-persist.wild.example. TXT":                             {`"ca.example; accounturi=` + testAccount + `; policy=Wildcard; persistUntil=1800000000"`},
		"_validation-persist.old.example. TXT":                              {`"ca.example; accounturi=` + testAccount + `; persistUntil=1700000000"`},
		"_validation-persist.foreign.example. TXT":                          {`"ca.example; accounturi=https://ca.example.com/acme/acme/account/2"`},
		"_validation-persist.bare.example. TXT":                             {`"ca.example"`},
		"_validation-persist.twice.example. TXT":                            {`"ca.example; accounturi=a; accounturi=b"`},
		"_validation-persist.tail.example. TXT":                             {`"ca.example; accounturi=` + testAccount + `;"`},
		"_validation-persist.others.example. TXT":                           {`"other.example; accounturi=` + testAccount + `"`},
	}.resolver(t)})
	for _, tt := range []struct {
		typ       acme.ChallengeType
		name      string
		wildcard  bool
		problem   acme.ProblemType
		temporary bool
		text      string
	}{
		{acme.DNS01, "plain.example", false, "", false, ""},
		{acme.DNS01, "plain.example", true, "", false, ""},
		{acme.DNS01, "several.example", false, "", false, ""},
		{acme.DNS01, "split.example", false, "", false, ""},
		{acme.DNS01, "alias.example", false, "", false, ""},
		{acme.DNS01, "wrong.example", false, acme.ProblemIncorrectResponse, true, `found "wrong"`},
		{acme.DNS01, "none.example", false, acme.ProblemDNS, true, "there is no TXT record of _acme-challenge.none.example"},
		{acme.DNS01, "broken.example", false, acme.ProblemDNS, true, "looking up the TXT record of _acme-challenge.broken.example"},
		{acme.DNSAccount01, "account.example", true, "", false, ""},
		{acme.DNSAccount01, "plain.example", false, acme.ProblemDNS, true, "there is no TXT record of _"},
		{acme.DNSPersist01, "persist.example", false, "", false, ""},
		{acme.DNSPersist01, "persist.example", true, acme.ProblemUnauthorized, true, "policy=wildcard"},
		{acme.DNSPersist01, "wild.example", true, "", false, ""},
		{acme.DNSPersist01, "old.example", false, acme.ProblemUnauthorized, true, "has expired"},
		{acme.DNSPersist01, "foreign.example", false, acme.ProblemUnauthorized, true, "another account"},
		{acme.DNSPersist01, "bare.example", false, acme.ProblemMalformed, true, "accounturi is missing"},
		{acme.DNSPersist01, "twice.example", false, acme.ProblemMalformed, true, "twice"},
		{acme.DNSPersist01, "tail.example", false, acme.ProblemMalformed, true, "not of the form tag=value"},
		{acme.DNSPersist01, "others.example", false, acme.ProblemUnauthorized, true, "no TXT record"},
	} {
		req := validation(tt.typ, ca.Identifier{Type: ca.DNS, Value: tt.name})
		req.Wildcard = tt.wildcard
		req.IssuerDomainNames = []string{"ca.example"}
		_, err := v.Validate(t.Context(), req)
		wantProblem(t, err, tt.problem, tt.temporary, tt.text)
	}
}

// CAA records are obeyed if the provisioner says so, after the challenge.
func TestCAAWithChallenge(t *testing.T) {
	t.Parallel()
	v := New(Config{StrictFQDN: true, Resolver: zone{
		"_acme-challenge.theirs.example. TXT": {`"` + digestText(testKeyAuth) + `"`},
		"theirs.example. CAA":                 {`0 issue "other.example"`},
	}.resolver(t)})
	req := validation(acme.DNS01, ca.Identifier{Type: ca.DNS, Value: "theirs.example"})
	req.IssuerDomainNames = []string{"ca.example"}
	_, err := v.Validate(t.Context(), req)
	wantProblem(t, err, "", false, "")
	req.CheckCAA = true
	_, err = v.Validate(t.Context(), req)
	wantProblem(t, err, acme.ProblemCAA, false, "do not let ca.example issue")
}

// The vector was computed with the formula of the draft by another program.
func TestAccountLabel(t *testing.T) {
	t.Parallel()
	if got := accountLabel("https://example.com/acme/acct/ExampleAccount"); got != "_ujmmovf2vn55tgye" {
		t.Errorf("label %s", got)
	}
}

func TestCAA(t *testing.T) {
	t.Parallel()
	v := New(Config{Resolver: zone{
		"mine.example. CAA":     {`0 issue "other.example"`, `0 issue "CA.example."`},
		"theirs.example. CAA":   {`0 issue "other.example"`},
		"nobody.example. CAA":   {`0 issue ";"`},
		"wild.example. CAA":     {`0 issue "ca.example"`, `0 issuewild "other.example"`},
		"critical.example. CAA": {`128 future "x"`, `0 issue "ca.example"`},
		"iodef.example. CAA":    {`0 iodef "mailto:security@example.com"`},
		"account.example. CAA":  {`0 issue "ca.example; accounturi=` + testAccount + `; validationmethods=dns-01,http-01"`},
		"method.example. CAA":   {`0 issue "ca.example; validationmethods=dns-01"`},
		"foreign.example. CAA":  {`0 issue "ca.example; accounturi=https://elsewhere.example/1"`},
		"empty.example. CAA":    {`0 issue "ca.example;"`},
		"spaces.example. CAA":   {`0 issue "ca.example; validationmethods=http-01, dns-01"`},
		"gap.example. CAA":      {`0 issue "ca.example;; accounturi=` + testAccount + `"`},
		"tail.example. CAA":     {`0 issue "ca.example; accounturi=` + testAccount + `;"`},
		"tag.example. CAA":      {`0 issue "ca.example; account uri=x"`},
		"hyphen.example. CAA":   {`0 issue "ca.example; x-policy=1"`},
		"sub.theirs.example. A": {"127.0.0.1"},
		"broken.example. FAIL":  {""},
	}.resolver(t)})
	for _, tt := range []struct {
		name     string
		wildcard bool
		problem  acme.ProblemType
	}{
		{"none.example", false, ""},
		{"mine.example", false, ""},
		{"a.b.mine.example", true, ""},
		{"theirs.example", false, acme.ProblemCAA},
		{"sub.theirs.example", false, acme.ProblemCAA},
		{"nobody.example", false, acme.ProblemCAA},
		{"wild.example", false, ""},
		{"wild.example", true, acme.ProblemCAA},
		{"critical.example", false, acme.ProblemCAA},
		{"iodef.example", false, ""},
		{"account.example", false, ""},
		{"method.example", false, acme.ProblemCAA},
		{"foreign.example", false, acme.ProblemCAA},
		{"empty.example", false, ""},
		{"spaces.example", false, acme.ProblemCAA}, // RFC 8659 §4.2: as if it named nobody
		{"gap.example", false, acme.ProblemCAA},
		{"tail.example", false, acme.ProblemCAA},
		{"tag.example", false, acme.ProblemCAA},
		{"hyphen.example", false, ""},
		{"a.broken.example", false, acme.ProblemDNS},
	} {
		req := validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: tt.name})
		req.Wildcard, req.IssuerDomainNames = tt.wildcard, []string{"ca.example", ""} // "" is nobody
		err := v.CheckCAA(t.Context(), req)
		p, _ := errors.AsType[*acme.Problem](err)
		if (err == nil) != (tt.problem == "") || p != nil && !p.HasType(tt.problem) {
			t.Errorf("CheckCAA(%s, wildcard %v) = %v, want %q", tt.name, tt.wildcard, err, tt.problem)
		}
	}
}

// TestTextResolver: a name whose records cannot be had is not looked for in the
// domains of the search list.
func TestTextResolver(t *testing.T) {
	t.Parallel()
	own := zone{}.resolver(t)
	if got := New(Config{Resolver: own}).textResolver(); !got.StrictErrors || !got.PreferGo || got.Dial == nil {
		t.Errorf("resolver %+v", got)
	}
	if got := New(Config{}).textResolver(); !got.StrictErrors {
		t.Errorf("resolver %+v", got)
	}
}
