package policy

import (
	"errors"
	"strings"
	"testing"

	"stepca/ca"
)

func mustParse(t testing.TB, raw string) *Policy {
	t.Helper()
	p, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestX509Check(t *testing.T) {
	t.Parallel()
	names := func(values ...string) []ca.Identifier { return ca.ParseSANs(values) }
	other := func(value string) []ca.Identifier { return []ca.Identifier{{Type: ca.OtherName, Value: value}} }
	tests := []struct {
		name   string
		policy string // of x509
		cn     string
		names  []ca.Identifier
		want   string // refusal, "" for none
	}{
		{"nothing is ruled, all is allowed", `{}`, "any thing", names("a_b", "x@y"), ""},
		{"lists without rules are none", `{"allow":{"dns":[]},"deny":{},"allowWildcardNames":true}`, "", names("a.b"), ""},
		{"wildcard rule matches one label", `{"allow":{"dns":["*.local"]}}`, "", names("a.local"), ""},
		{"wildcard rule does not match its domain", `{"allow":{"dns":["*.local"]}}`, "", names("local"), `dns name "local" not allowed`},
		{"wildcard rule does not match two labels", `{"allow":{"dns":["*.local"]}}`, "", names("x.y.local"), `dns name "x.y.local" not allowed`},
		{"exact rule matches without regard to case", `{"allow":{"dns":["Host.Example"]}}`, "", names("hOST.example"), ""},
		{"IDNA is compared in A-labels", `{"allow":{"dns":["bücher.example"]}}`, "", names("xn--bcher-kva.example"), ""},
		{"literal wildcard needs allowWildcardNames", `{"allow":{"dns":["*.local"]}}`, "", names("*.local"), `dns name "*.local" not allowed`},
		{"literal wildcard with allowWildcardNames", `{"allow":{"dns":["*.local"]},"allowWildcardNames":true}`, "", names("*.local"), ""},
		{"literal wildcard is not an exact host", `{"allow":{"dns":["a.local"]},"allowWildcardNames":true}`, "", names("*.local"), `dns name "*.local" not allowed`},
		{"deny rule for the domain catches the wildcard name", `{"deny":{"dns":["*.local"]}}`, "", names("*.local"), `dns name "*.local" not allowed`},
		{"deny rule for a host catches the wildcard name above", `{"deny":{"dns":["a.local"]}}`, "", names("*.local"), `dns name "*.local" not allowed`},
		{"deny rule elsewhere leaves the wildcard name", `{"deny":{"dns":["a.b.local"]}}`, "", names("*.local"), ""},
		{"deny wins", `{"allow":{"dns":["*.local"]},"deny":{"dns":["bad.local"]}}`, "", names("bad.local"), `dns name "bad.local" not allowed`},
		{"names that are no hosts cannot be parsed", `{"allow":{"dns":["*.local"]}}`, "", names("a_b.local"), `cannot parse dns domain "a_b.local"`},
		{"final full stop does not evade a deny rule", `{"deny":{"dns":["bad.local"]}}`, "", names("bad.local."), `cannot parse dns domain "bad.local."`},
		{"bare asterisk", `{"deny":{"dns":["bad.local"]}}`, "", names("*"), `cannot parse dns domain "*"`},

		{"kind without rules is denied by any allow rule", `{"allow":{"dns":["*.local"]}}`, "", names("10.0.0.1"), `ip name "10.0.0.1" not allowed`},
		{"kind without rules is allowed beside deny rules", `{"deny":{"dns":["*.local"]}}`, "", names("10.0.0.1"), ""},
		{"deny-only kind is open beside allow of another", `{"allow":{"ip":["10.0.0.0/8"]},"deny":{"dns":["bad.local"]}}`, "", names("good.local"), ""},
		{"deny-only kind is closed when strict", `{"allow":{"ip":["10.0.0.0/8"]},"deny":{"dns":["bad.local"]},"strict":true}`, "", names("good.local"), `dns name "good.local" not allowed`},

		{"range", `{"allow":{"ip":["10.0.0.0/8"]}}`, "", names("10.2.3.4"), ""},
		{"outside the range", `{"allow":{"ip":["10.0.0.0/8"]}}`, "", names("11.2.3.4"), `ip name "11.2.3.4" not allowed`},
		{"mapped address in an IPv4 range", `{"allow":{"ip":["10.0.0.0/8"]}}`, "", []ca.Identifier{{Type: ca.IP, Value: "::ffff:10.0.0.1"}}, ""},
		{"IPv4 address in a mapped range", `{"allow":{"ip":["::ffff:10.0.0.0/104"]}}`, "", names("10.1.1.1"), ""},
		{"single IPv6 address", `{"deny":{"ip":["2001:db8::1"]}}`, "", names("2001:db8:0::1"), `ip name "2001:db8:0::1" not allowed`},

		{"any mailbox of a domain", `{"allow":{"email":["@y.com"]}}`, "", names("Joe@Y.com"), ""},
		{"domain without at sign", `{"allow":{"email":["y.com"]}}`, "", names("joe@y.com"), ""},
		{"domain rule is exact", `{"allow":{"email":["@y.com"]}}`, "", names("joe@x.y.com"), `email name "joe@x.y.com" not allowed`},
		{"mailbox", `{"allow":{"email":["joe@y.com"]}}`, "", names("joe@y.com"), ""},
		{"allowed mailbox has case", `{"allow":{"email":["joe@y.com"]}}`, "", names("Joe@y.com"), `email name "Joe@y.com" not allowed`},
		{"allowed mailbox as written", `{"allow":{"email":["Joe@y.com"]}}`, "", names("Joe@y.com"), ""},
		{"denied mailbox has no case", `{"deny":{"email":["joe@y.com"]}}`, "", names("JOE@y.com"), `email name "JOE@y.com" not allowed`},
		{"wildcard in the domain of an address", `{"deny":{"email":["joe@y.com"]}}`, "", names("a@*"), `cannot parse email rfc822Name "a@*"`},
		{"address without domain", `{"allow":{"email":["joe@y.com"]}}`, "", names("a@"), `cannot parse email rfc822Name "a@"`},

		{"host of a URI", `{"allow":{"uri":["*.local"]}}`, "", names("https://u:p@A.local:8443/path"), ""},
		{"user of a URI is not its host", `{"allow":{"uri":["*.local"]}}`, "", names("https://a.local@evil.com/"), `uri name "https://a.local@evil.com/" not allowed`},
		{"URI without host", `{"deny":{"uri":["a.local"]}}`, "", names("urn:x:y"), `error matching uri name "urn:x:y" to constraint`},
		{"URI with an empty host", `{"allow":{"uri":["a.local"]}}`, "", names("https://:80/"), `error matching uri name "https://:80/" to constraint`},
		{"URI with an address", `{"deny":{"uri":["a.local"]}}`, "", names("https://[::1]/"), `error matching uri name "https://[::1]/" to constraint`},
		{"URI with a wildcard host", `{"deny":{"uri":["a.local"]}}`, "", names("https://*.local/"), `error matching uri name "https://*.local/" to constraint`},

		{"common name by its looks", `{"allow":{"dns":["*.local"]}}`, "a.local", nil, ""},
		{"common name by its looks is refused", `{"allow":{"dns":["*.local"]}}`, "a.evil", nil, `cn name "a.evil" not allowed`},
		{"common name that is no host", `{"allow":{"dns":["*.local"]}}`, "My Device", nil, `cannot parse cn domain "My Device"`},
		{"allowed common name", `{"allow":{"dns":["*.local"],"cn":["my device"]}}`, "My Device", names("a.local"), ""},
		{"common name beside cn rules by its looks", `{"allow":{"dns":["*.local"],"cn":["my device"]}}`, "a.local", nil, ""},
		{"denied common name", `{"deny":{"cn":["evil"]}}`, "Evil", nil, `cn name "Evil" not allowed`},
		{"denied common name that dns rules would allow", `{"allow":{"dns":["*.local"]},"deny":{"cn":["a.local"]}}`, "a.local", nil, `cn name "a.local" not allowed`},
		{"common name beside deny rules", `{"allow":{"dns":["*.local"]},"deny":{"cn":["evil"]}}`, "My Device", nil, ""},
		{"common name beside deny rules when strict", `{"allow":{"dns":["*.local"]},"deny":{"cn":["evil"]},"strict":true}`, "My Device", nil, `cannot parse cn domain "My Device"`},
		{"further common name", `{"allow":{"dns":["*.local"]}}`, "a.local", []ca.Identifier{{Type: ca.CommonName, Value: "a.evil"}}, `cn name "a.evil" not allowed`},

		{"other name under an allow policy", `{"allow":{"dns":["*.local"]}}`, "", other("userPrincipalName joe@x"), `other name "userPrincipalName joe@x" not allowed`},
		{"other name under a deny policy", `{"deny":{"dns":["*.local"]}}`, "", other("otherName 1.2.3 0500"), `other name "otherName 1.2.3 0500" not allowed`},
		{"other name allowed by kind", `{"allow":{"other":["otherName 1.2.3"]}}`, "", other("otherName 1.2.3 0500"), ""},
		{"other name is not allowed by half a word", `{"allow":{"other":["otherName 1.2"]}}`, "", other("otherName 1.2.3 0500"), `other name "otherName 1.2.3 0500" not allowed`},
		{"other name denied", `{"allow":{"other":["userPrincipalName"]},"deny":{"other":["userPrincipalName root@x"]}}`, "", other("userPrincipalName root@x"), `other name "userPrincipalName root@x" not allowed`},
		{"permanent identifier by its looks", `{"allow":{"dns":["*.local"]}}`, "", []ca.Identifier{{Type: ca.PermanentIdentifier, Value: "d1.local"}}, ""},
		{"permanent identifier refused", `{"allow":{"dns":["*.local"]}}`, "", []ca.Identifier{{Type: ca.PermanentIdentifier, Value: "x"}}, `permanent-identifier name "x" not allowed`},

		{"dns is judged before ip whatever the order", `{"allow":{"cn":["z"]}}`, "", []ca.Identifier{{Type: ca.IP, Value: "1.1.1.1"}, {Type: ca.DNS, Value: "a"}}, `dns name "a" not allowed`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := mustParse(t, `{"x509":`+tt.policy+`}`)
			checkRefusal(t, p.X509.Check(tt.cn, tt.names), tt.want)
		})
	}
}

func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	refusal, ok := errors.AsType[*ca.Error](err)
	if !ok || refusal.Detail != want {
		t.Errorf("refusal = %v, want %q", err, want)
		return
	}
	if !errors.Is(err, ca.ErrRejectedIdentifier) && !errors.Is(err, ca.ErrForbidden) {
		t.Errorf("refusal has kind %v", refusal.Kind)
	}
}

func TestSSHCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		policy     string // of ssh
		typ        ca.SSHCertType
		principals []string
		want       string
	}{
		{"no rules", `{"user":{},"host":{"allow":{}}}`, ca.SSHHost, []string{"any"}, ""},
		{"user by name", `{"user":{"allow":{"principal":["Alice"]}}}`, ca.SSHUser, []string{"alice"}, ""},
		{"user refused", `{"user":{"allow":{"principal":["alice"]}}}`, ca.SSHUser, []string{"alice", "w"}, `principal name "w" not allowed`},
		{"any user", `{"user":{"allow":{"principal":["*"]}}}`, ca.SSHUser, []string{"w"}, ""},
		{"any user is not any e-mail address", `{"user":{"allow":{"principal":["*"]}}}`, ca.SSHUser, []string{"v@y.com"}, `email name "v@y.com" not allowed`},
		{"user by e-mail address", `{"user":{"allow":{"email":["@y.com"]}}}`, ca.SSHUser, []string{"v@y.com"}, ""},
		{"denied user", `{"user":{"deny":{"principal":["root"]}}}`, ca.SSHUser, []string{"Root"}, `principal name "Root" not allowed`},
		{"user that is an address", `{"user":{"deny":{"principal":["root"]}}}`, ca.SSHUser, []string{"10.0.0.1"}, `principal name "10.0.0.1" not allowed`},
		{"user that is a URI", `{"user":{"deny":{"principal":["root"]}}}`, ca.SSHUser, []string{"a:b"}, `principal name "a:b" not allowed`},
		{"dns rules do not judge users", `{"user":{"allow":{"dns":["*.local"]}}}`, ca.SSHUser, []string{"a.local"}, `principal name "a.local" not allowed`},
		{"host by name", `{"host":{"allow":{"dns":["*.local"]}}}`, ca.SSHHost, []string{"a.local"}, ""},
		{"host pattern", `{"host":{"allow":{"dns":["*.local"]}}}`, ca.SSHHost, []string{"*.local"}, `dns name "*.local" not allowed`},
		{"host pattern beside a denied host", `{"host":{"deny":{"dns":["db.prod.local"]}}}`, ca.SSHHost, []string{"*.local"}, `dns name "*.local" not allowed`},
		{"any host beside a denied address", `{"host":{"deny":{"ip":["10.0.0.0/8"]}}}`, ca.SSHHost, []string{"10.0.0.?"}, `dns name "10.0.0.?" not allowed`},
		{"host by address", `{"host":{"allow":{"ip":["10.0.0.0/8"]}}}`, ca.SSHHost, []string{"10.0.0.1"}, ""},
		{"principal rules do not judge hosts", `{"host":{"allow":{"principal":["a.local"]}}}`, ca.SSHHost, []string{"a.local"}, `dns name "a.local" not allowed`},
		{"URI as a host", `{"host":{"deny":{"dns":["a"]}}}`, ca.SSHHost, []string{"https://a"}, `principal name "https://a" not allowed`},
		{"only a user policy", `{"user":{"allow":{"principal":["*"]}}}`, ca.SSHHost, []string{"a"}, "authority not allowed to sign SSH host certificates when SSH user certificate policy is active"},
		{"only a host policy", `{"host":{"allow":{"dns":["a"]}}}`, ca.SSHUser, []string{"a"}, "authority not allowed to sign SSH user certificates when SSH host certificate policy is active"},
		{"no principals", `{"host":{"allow":{"dns":["a"]}}}`, ca.SSHHost, nil, "SSH host certificate policy is active, and a certificate without principals would be valid for all"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := mustParse(t, `{"ssh":`+tt.policy+`}`)
			checkRefusal(t, p.SSH.Check(tt.typ, tt.principals), tt.want)
		})
	}
}

func TestRuleFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ kind, rule, want string }{
		{"dns", "", `cannot parse permitted domain constraint "": domain constraint "" can not be empty`},
		{"dns", ".local", `cannot parse permitted domain constraint ".local": domain constraint ".local" with wildcard should start with *`},
		{"dns", "a..b", `cannot parse permitted domain constraint "a..b": domain constraint "a..b" cannot have empty labels`},
		{"dns", "*foo", "first label"},
		{"dns", "a.*.b", "first label"},
		{"dns", "*", "first label"},
		{"dns", "*.", "empty label"},
		{"dns", "a b", "ASCII"},
		{"ip", "10.0.0.0/33", "CIDR"},
		{"ip", "host", "CIDR"},
		{"ip", "fe80::1%eth0", "CIDR"},
		{"email", "@", "has no domain"},
		{"email", "", "has no domain"},
		{"email", "joe@", "has no domain"},
		{"email", "*@y.com", "asterisk"},
		{"email", "a@b@c", "too many @"},
		{"email", "@.y.com", "period"},
		{"email", "a b@y.com", "not a mailbox"},
		{"uri", "", "empty"},
		{"uri", "https://a.b", "scheme"},
		{"uri", "a.b:80", "port"},
		{"uri", "10.0.0.1", "IP address"},
		{"uri", "[::1]", "IP address"},
		{"uri", "[a]", "brackets"},
		{"uri", "a..b", "empty labels"},
		{"uri", ".a", "should start with *"},
		{"uri", "a*.b", "first label"},
		{"cn", " ", "empty"},
		{"cn", "*", "wildcard"},
		{"other", " ", "empty"},
	}
	for _, tt := range tests {
		raw := `{"x509":{"allow":{"` + tt.kind + `":["` + tt.rule + `"]}}}`
		_, err := Parse([]byte(raw))
		rules, ok := errors.AsType[*RuleError](err)
		if !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%s) = %v, want an error with %q", raw, err, tt.want)
			continue
		}
		if want := "x509.allow." + tt.kind + "[0]"; rules.Faults[0].Path != want {
			t.Errorf("path of the fault in %s = %q, want %q", raw, rules.Faults[0].Path, want)
		}
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`{"x509":{"allow":{"dns":["ok.example","a..b"]},"deny":{"ip":["x"]}},"ssh":{"user":{"deny":{"email":["@"]}}}}`))
	rules, ok := errors.AsType[*RuleError](err)
	if !ok {
		t.Fatalf("Parse = %v, want a *RuleError", err)
	}
	var paths []string
	for _, f := range rules.Faults {
		paths = append(paths, f.Path)
	}
	if got, want := strings.Join(paths, " "), "x509.allow.dns[1] x509.deny.ip[0] ssh.user.deny.email[0]"; got != want {
		t.Errorf("paths = %s, want %s", got, want)
	}
	if !strings.Contains(err.Error(), `cannot parse excluded ip constraint "x"`) {
		t.Errorf("error = %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("*.local", "a.local")
	f.Add("joe@y.com", "a@*")
	f.Add("a.b", "https://:80/")
	f.Add("10.0.0.0/8", "::ffff:10.1.1.1")
	f.Add("bücher.example", "＊．local")
	f.Fuzz(func(t *testing.T, rule, name string) {
		for _, kind := range []func(*X509Names){
			func(n *X509Names) { n.DNS = []string{rule} },
			func(n *X509Names) { n.Emails = []string{rule} },
			func(n *X509Names) { n.URIs = []string{rule} },
			func(n *X509Names) { n.IPs = []string{rule} },
			func(n *X509Names) { n.CommonNames = []string{rule} },
		} {
			var names X509Names
			kind(&names)
			allow, err := NewX509(&X509Options{Allow: &names})
			if err != nil {
				continue
			}
			deny, err := NewX509(&X509Options{Deny: &names})
			if err != nil {
				t.Fatalf("rule %q is good to allow, and to deny %v", rule, err)
			}
			for _, typ := range x509Order {
				id := []ca.Identifier{{Type: typ, Value: name}}
				if allow.Check("", id) == nil && deny.Check("", id) == nil {
					t.Errorf("%v is both allowed and not denied by %q", id, rule)
				}
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	p := mustParse(b, `{"x509":{"allow":{"dns":["*.example.com","a.b"],"ip":["10.0.0.0/8"]},"deny":{"dns":["bad.example.com"]}}}`)
	names := ca.ParseSANs([]string{"w.example.com", "10.1.1.1"})
	b.ReportAllocs()
	for b.Loop() {
		if err := p.X509.Check("w.example.com", names); err != nil {
			b.Fatal(err)
		}
	}
}
