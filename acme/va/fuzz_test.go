package va

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

// FuzzCAA judges values of issue properties. Leave is given only to an issuer that
// is named.
func FuzzCAA(f *testing.F) {
	for _, s := range []string{
		"ca.example", "CA.example. ; accounturi=" + testAccount, "ca.example; validationmethods=http-01,dns-01", "ca.example; accounturi=x; accounturi=x",
		";", "", "ca.example;;;", "ca.example; =", "other.example; accounturi=" + testAccount, "ca.example; accounturi",
	} {
		f.Add("issue", s, uint8(0))
	}
	f.Add("future", "ca.example", uint8(128))
	req := validation(acme.HTTP01, ca.Identifier{Type: ca.DNS, Value: "a.example"})
	req.IssuerDomainNames = []string{"ca.example"}
	f.Fuzz(func(t *testing.T, tag, value string, flag uint8) {
		problem := judgeCAA("a.example", []*dns.CAA{{Flag: flag, Tag: tag, Value: value}}, req)
		lower := strings.ToLower(value)
		if problem == nil && strings.EqualFold(tag, "issue") && !strings.HasPrefix(strings.Trim(lower, " \t"), "ca.example") {
			t.Errorf("%d %s %q lets us issue", flag, tag, value)
		}
		if problem == nil && strings.Contains(lower, "accounturi=") && strings.EqualFold(tag, "issue") && !strings.Contains(value, testAccount) && !strings.Contains(lower, "x-accounturi") &&
			strings.HasPrefix(lower, "ca.example;accounturi=") {
			t.Errorf("%q lets another account issue", value)
		}
	})
}

// FuzzPersist parses records of dns-persist-01.
func FuzzPersist(f *testing.F) {
	for _, s := range []string{
		"ca.example; accounturi=" + testAccount, "ca.example;accounturi=x;policy=wildcard;persistUntil=1800000000", "ca.example; persistUntil=-1; accounturi=x",
		"ca.example; persistUntil=99999999999999999999; accounturi=x", ";;;", "", "ca.example; accounturi=\x00",
	} {
		f.Add(s)
	}
	req := validation(acme.DNSPersist01, ca.Identifier{Type: ca.DNS, Value: "a.example"})
	f.Fuzz(func(t *testing.T, s string) {
		parameters, _ := namesIssuer(s, req)
		record, err := parsePersist(parameters)
		if err == nil && record.refuses(req, time.Now()) == "" && !strings.Contains(s, testAccount) {
			t.Errorf("%q is for the account %s", s, testAccount)
		}
	})
}

// FuzzChallengeCertificate looks at certificates of tls-alpn-01. Only the ones with
// the digest are good.
func FuzzChallengeCertificate(f *testing.F) {
	f.Add(challengeCertificate(f, testKeyAuth, nil).Certificate[0])
	digest := sha256.Sum256([]byte(testKeyAuth))
	f.Add(challengeCertificate(f, "x.y", func(c *x509.Certificate) { c.DNSNames = []string{"a.example", "b.example"} }).Certificate[0])
	f.Add(challengeCertificate(f, testKeyAuth, func(c *x509.Certificate) { c.ExtraExtensions[0].Critical = false }).Certificate[0])
	req := validation(acme.TLSALPN01, ca.Identifier{Type: ca.DNS, Value: "a.example"})
	f.Fuzz(func(t *testing.T, der []byte) {
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		if checkChallengeCertificate(crt, "a.example:443", req) == nil && !(bytes.Contains(der, digest[:]) && len(crt.DNSNames) == 1 && strings.EqualFold(crt.DNSNames[0], "a.example")) {
			t.Errorf("%x is good", der)
		}
	})
}
