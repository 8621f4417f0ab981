package provisioner

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestListPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	var all []string
	for i := range 45 {
		all = append(all, fmt.Sprintf(`{"type":"ACME","name":"acme%d"}`, i))
	}
	c := f.collect(all...)
	var got []string
	var sizes []int
	cursor := ""
	for {
		page, next := c.List(cursor, 0)
		sizes = append(sizes, len(page))
		for _, p := range page {
			got = append(got, string(p))
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if fmt.Sprint(sizes) != "[20 20 5]" || strings.Join(got, "\n") != strings.Join(all, "\n") {
		t.Errorf("pages of %v:\n%s", sizes, strings.Join(got, "\n"))
	}
	for _, tt := range []struct {
		cursor      string
		limit, want int
	}{
		{"", -1, 20}, {"", 7, 7}, {"", 1000, 45}, {"junk", 100, 45}, {strings.Repeat("z", 50), 100, 0}, {"0", 100, 45},
		{"00000002" + strings.Repeat("0", 32), 100, 43},
	} {
		if page, _ := c.List(tt.cursor, tt.limit); len(page) != tt.want {
			t.Errorf("List(%q, %d) has %d, want %d", tt.cursor, tt.limit, len(page), tt.want)
		}
	}
	if _, next := c.List("", 20); !strings.HasPrefix(next, "14") || len(next) != 34 {
		t.Errorf("cursor at index 20 = %q, want 14 and 32 more digits", next)
	}
	if page, next := f.collect().List("", 0); page != nil || next != "" {
		t.Errorf("List of nothing = %v, %q", page, next)
	}
}

func TestListShows(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	key := string(must(json.Marshal(f.key.Public())))
	for _, tt := range []struct{ raw, want string }{
		{f.jwkJSON("n", `"encryptedKey":"e","unknown":"private","claims":{"enableSSHCA":true}`),
			`{"type":"JWK","name":"n","key":` + key + `,"encryptedKey":"e","claims":{"enableSSHCA":true}}`},
		{`{"type":"acme","name":"n","options":{"x509":{"template":"{}"},"webhooks":[{"id":"i","name":"w","url":"https://h.test","kind":"ENRICHING","secret":"s","bearerToken":"b","basicAuth":{"username":"u","password":"p"}}]}}`,
			`{"type":"acme","name":"n","options":{"x509":{"template":"{}"},"webhooks":[{"id":"i","name":"w","url":"https://h.test","kind":"ENRICHING"}]}}`},
		{`{"type":"ACME","name":"n","claims":{"maxTLSCertDuration":"12h"}}`,
			`{"type":"ACME","name":"n","claims":{"maxTLSCertDuration":"12h0m0s"},"state":"Uninitialized","stateReason":"claims: MaxCertDuration cannot be less than DefaultCertDuration: MaxCertDuration - 12h0m0s, DefaultCertDuration - 24h0m0s"}`},
		{`{"type":"SCEP","name":"n","decrypterKeyPEM":"UEVN","CHALLENGE":"c","decrypterKeyPassword":"p","decrypterKey":"uri","decrypterCertificate":"UEVN","forceCN":true,"password":"typo","claims":{}}`,
			`{"type":"SCEP","name":"n","forceCN":true,"challenge":"*** REDACTED ***","decrypterCertificate":"KioqIFJFREFDVEVEICoqKg==","decrypterKeyPEM":"KioqIFJFREFDVEVEICoqKg==","decrypterKey":"*** REDACTED ***","decrypterKeyPassword":"*** REDACTED ***","claims":{},"state":"Uninitialized","stateReason":"provisioners of type SCEP are not supported by this version"}`},
		{`{"type":"OIDC","name":"n","configurationEndpoint":"https://idp.test","clientSecret":"public","clientID":"c"}`,
			`{"type":"OIDC","name":"n","clientID":"c","clientSecret":"public","configurationEndpoint":"https://idp.test","state":"Uninitialized","stateReason":"provisioners of type OIDC are not supported by this version"}`},
	} {
		page, _ := f.collect(tt.raw, `{"type":"Future","name":"not listed"}`).List("", 0)
		if len(page) != 1 || string(page[0]) != tt.want {
			t.Errorf("List with %s =\n%s, want\n%s", tt.raw, page, tt.want)
		}
	}
}
