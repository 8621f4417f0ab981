package provisioner

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestProfileFaults(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	for _, tt := range []struct{ members, path, fault string }{
		{`"profiles":{"a":{"description":"d"}},"defaultProfile":"a"`, "", ""},
		{`"profiles":{"a":{"description":"d","claims":{"maxTLSCertDuration":"1h"}}}`, "", ""},
		{`"defaultProfile":"a"`, "defaultProfile", `there is no profile called "a"`},
		{`"profiles":{"a":null}`, "profiles.a", "the profile is null"},
		{`"profiles":{"a b":{"description":"d"}}`, "profiles", `"a b" cannot be the name of a profile: it takes up to 64 letters, digits, dots, hyphens and underscores`},
		{`"profiles":{"":{"description":"d"}}`, "profiles", `"" cannot be the name of a profile: it takes up to 64 letters, digits, dots, hyphens and underscores`},
		{`"profiles":{"a":{}}`, "profiles.a.description", "clients have to be told what the profile is for"},
		{`"profiles":{"a":{"description":"d","claims":{"maxTLSCertDuration":"25h"}}}`, "profiles.a.claims.maxTLSCertDuration", "25h0m0s is more than the provisioner's maximum of 24h0m0s"},
		{`"profiles":{"a":{"description":"d","claims":{"minTLSCertDuration":"4m"}}}`, "profiles.a.claims.minTLSCertDuration", "4m0s is less than the provisioner's minimum of 5m0s"},
		{`"profiles":{"a":{"description":"d","claims":{"minTLSCertDuration":"2h","maxTLSCertDuration":"1h"}}}`, "profiles.a.claims.maxTLSCertDuration", "1h0m0s is less than the minimum of 2h0m0s"},
		{`"profiles":{"a":{"description":"d","claims":{"maxTLSCertDuration":"-1h"}}}`, "profiles.a.claims.maxTLSCertDuration", "-1h0m0s is less than the minimum of 5m0s"},
		{`"profiles":{"a":{"description":"d","claims":{"defaultTLSCertDuration":"48h"}}}`, "profiles.a.claims.defaultTLSCertDuration", "48h0m0s is not between 5m0s and 24h0m0s"},
		{`"profiles":{"a":{"description":"d","templateFile":"no.tpl"}}`, "profiles.a", `reading templateFile "no.tpl": no such file or directory`},
		{`"profiles":{"a":{"description":"d","template":"%"}}`, "profiles.a", `template neither begins with "{" nor is standard base64: illegal base64 data at input byte 0`},
	} {
		path, fault := "", ""
		if failures := f.collect(`{"type":"ACME","name":"a",` + tt.members + `}`).Failures(); failures != nil {
			fault = failures[0].Err.Error()
			if field, ok := errors.AsType[*FieldError](failures[0].Err); ok {
				path, fault = field.Path, field.Err.Error()
			}
		}
		if path != tt.path || fault != tt.fault {
			t.Errorf("%s: %q at %q, want %q at %q", tt.members, fault, path, tt.fault, tt.path)
		}
	}
}

func TestProfilesNarrow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", []string{}...)
	p := must(f.collect(`{"type":"ACME","name":"a","issuer":"one","options":{"x509":{"template":"{{ 1 }}","templateData":{"a":1}}},"profiles":{
		"plain":{"description":"p"},
		"short":{"description":"s","claims":{"maxTLSCertDuration":"1h"}},
		"long":{"description":"l","claims":{"minTLSCertDuration":"23h","defaultTLSCertDuration":"23h"}},
		"other":{"description":"o","template":"{{ 2 }}","templateData":{"b":2},"issuer":"two"}}}`).ACME("a"))
	for _, tt := range []struct {
		name                       string
		shortest, standard, utmost time.Duration
		template, data, issuer     string
	}{
		{"", 5 * time.Minute, 24 * time.Hour, 24 * time.Hour, "{{ 1 }}", `{"a":1}`, "one"},
		{"plain", 5 * time.Minute, 24 * time.Hour, 24 * time.Hour, "{{ 1 }}", `{"a":1}`, "one"},
		{"short", 5 * time.Minute, time.Hour, time.Hour, "{{ 1 }}", `{"a":1}`, "one"},
		{"long", 23 * time.Hour, 23 * time.Hour, 24 * time.Hour, "{{ 1 }}", `{"a":1}`, "one"},
		{"other", 5 * time.Minute, 24 * time.Hour, 24 * time.Hour, "{{ 2 }}", `{"b":2}`, "two"},
	} {
		grant, ok := p.OrderGrant(tt.name)
		if !ok {
			t.Errorf("%q: no grant", tt.name)
			continue
		}
		data := string(must(json.Marshal(grant.TemplateData)))
		if l := grant.Limits; l.Min != tt.shortest || l.Default != tt.standard || l.Max != tt.utmost ||
			grant.Template.Source != tt.template || data != tt.data || grant.Issuer != tt.issuer || grant.Provisioner != p.Ref() {
			t.Errorf("%q: %+v", tt.name, grant)
		}
	}
	if _, ok := p.OrderGrant("none"); ok {
		t.Error("a grant for a profile that is not there")
	}
	if d := p.ProfileDescriptions(); len(d) != 4 || d["short"] != "s" {
		t.Errorf("descriptions %v", d)
	}
}

// TestProfilesAreWrittenBack keeps what a profile has that we do not know.
func TestProfilesAreWrittenBack(t *testing.T) {
	t.Parallel()
	const text = `{"type":"ACME","name":"a","profiles":{"x":{"description":"d","keyTypes":["EC"]}},"defaultProfile":"x"}`
	p := must(Parse(json.RawMessage(text)))
	if got := must(json.Marshal(p)); string(got) != text {
		t.Errorf("written back: %s", got)
	}
	const twins = `{"type":"ACME","name":"a","profiles":{"X":{"description":"D"},"x":{"description":"d","y":1}}}`
	if got := must(json.Marshal(must(Parse(json.RawMessage(twins))))); string(got) != twins {
		t.Errorf("written back: %s", got)
	}
	if w := Warnings(p); len(w) != 1 || w[0] != "profiles.x.keyTypes is not known and has no effect" {
		t.Errorf("warnings %q", w)
	}
	_, err := Parse(json.RawMessage(`{"type":"ACME","name":"a","profiles":{"x":{"claims":{"maxTLSCertDuration":"long"}}}}`))
	if field, ok := errors.AsType[*FieldError](err); !ok || field.Path != "profiles.x.claims.maxTLSCertDuration" {
		t.Errorf("a duration that is none: %v", err)
	}
}
