package provisioner

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stepca/ca"
)

func TestClaimsMerge(t *testing.T) {
	t.Parallel()
	limits := func(minimum, standard, maximum time.Duration) ca.Limits {
		return ca.Limits{Min: minimum, Default: standard, Max: maximum}
	}
	const m, h = time.Minute, time.Hour
	for _, tt := range []struct {
		name, authority, provisioner string
		tls, user, host              ca.Limits
	}{
		{"built-in", `null`, `null`, limits(5*m, 24*h, 24*h), limits(5*m, 16*h, 24*h), limits(5*m, 720*h, 720*h)},
		{"default raises the inherited maximum", `null`, `{"defaultTLSCertDuration":"48h","defaultUserSSHCertDuration":"30h","defaultHostSSHCertDuration":"1000h"}`,
			limits(5*m, 48*h, 48*h), limits(5*m, 30*h, 30*h), limits(5*m, 1000*h, 1000*h)},
		{"default lowers the inherited minimum", `{"defaultTLSCertDuration":"2m"}`, `{}`, limits(2*m, 2*m, 24*h), limits(5*m, 16*h, 24*h), limits(5*m, 720*h, 720*h)},
		{"default does not move a bound of its own level", `null`, `{"defaultTLSCertDuration":"48h","maxTLSCertDuration":"36h"}`,
			limits(5*m, 48*h, 36*h), limits(5*m, 16*h, 24*h), limits(5*m, 720*h, 720*h)},
		{"a maximum takes the inherited SSH default along", `{"maxUserSSHCertDuration":"12h"}`, `{"maxUserSSHCertDuration":"3m","minHostSSHCertDuration":"700h","maxHostSSHCertDuration":"710h"}`,
			limits(5*m, 24*h, 24*h), limits(3*m, 3*m, 3*m), limits(700*h, 710*h, 710*h)},
		{"a minimum takes the inherited SSH default along", `null`, `{"minUserSSHCertDuration":"20h"}`,
			limits(5*m, 24*h, 24*h), limits(20*h, 20*h, 24*h), limits(5*m, 720*h, 720*h)},
		{"provisioner over authority", `{"maxTLSCertDuration":"100h","minTLSCertDuration":"1m"}`, `{"minTLSCertDuration":"10m"}`,
			limits(10*m, 24*h, 100*h), limits(5*m, 16*h, 24*h), limits(5*m, 720*h, 720*h)},
	} {
		var authority, provisioner *Claims
		if err := json.Unmarshal([]byte(tt.authority), &authority); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tt.provisioner), &provisioner); err != nil {
			t.Fatal(err)
		}
		r := builtinRules().merge(authority).merge(provisioner)
		if r.TLS != tt.tls || r.UserSSH != tt.user || r.HostSSH != tt.host {
			t.Errorf("%s: TLS %v, user %v, host %v; want %v, %v, %v", tt.name, r.TLS, r.UserSSH, r.HostSSH, tt.tls, tt.user, tt.host)
		}
	}
}

func TestClaimsSwitches(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	r := builtinRules().
		merge(&Claims{EnableSSHCA: &yes, DisableRenewal: &yes, AllowRenewalAfterExpiry: &yes, DisableSmallstepExtensions: &yes}).
		merge(&Claims{DisableRenewal: &no})
	if !r.EnableSSHCA || r.DisableRenewal || !r.AllowRenewalAfterExpiry || !r.DisableSmallstepExtensions {
		t.Errorf("rules = %+v", r)
	}
}

func TestClaimsValidate(t *testing.T) {
	t.Parallel()
	for claims, want := range map[string]string{
		`{}`:                                "",
		`{"maxTLSCertDuration":"1000000h"}`: "",
		`{"minTLSCertDuration":"0s"}`:       "claims: MinTLSCertDuration must be greater than 0",
		`{"maxTLSCertDuration":"-1s"}`:      "claims: MaxTLSCertDuration must be greater than 0",
		`{"defaultTLSCertDuration":"0s","minTLSCertDuration":"1m"}`: "claims: DefaultTLSCertDuration must be greater than 0",
		`{"minTLSCertDuration":"48h"}`:                              "claims: MaxCertDuration cannot be less than MinCertDuration: MaxCertDuration - 24h0m0s, MinCertDuration - 48h0m0s",
		`{"minTLSCertDuration":"2h","defaultTLSCertDuration":"1h"}`: "claims: DefaultCertDuration cannot be less than MinCertDuration: DefaultCertDuration - 1h0m0s, MinCertDuration - 2h0m0s",
		`{"maxTLSCertDuration":"12h"}`:                              "claims: MaxCertDuration cannot be less than DefaultCertDuration: MaxCertDuration - 12h0m0s, DefaultCertDuration - 24h0m0s",
		`{"maxTokenLifetime":"-1s"}`:                                "claims: MaxTokenLifetime cannot be less than 0",

		`{"minUserSSHCertDuration":"0s"}`:                                         "",
		`{"minUserSSHCertDuration":"-1s"}`:                                        "claims: MinUserSSHCertDuration cannot be less than 0",
		`{"maxHostSSHCertDuration":"0s"}`:                                         "claims: MaxHostSSHCertDuration must be greater than 0",
		`{"defaultHostSSHCertDuration":"-1h","minHostSSHCertDuration":"0s"}`:      "claims: DefaultHostSSHCertDuration must be greater than 0",
		`{"minUserSSHCertDuration":"48h"}`:                                        "claims: MaxUserSSHCertDuration cannot be less than MinUserSSHCertDuration: MaxUserSSHCertDuration - 24h0m0s, MinUserSSHCertDuration - 48h0m0s",
		`{"minUserSSHCertDuration":"2h","defaultUserSSHCertDuration":"1h"}`:       "claims: DefaultUserSSHCertDuration cannot be less than MinUserSSHCertDuration: DefaultUserSSHCertDuration - 1h0m0s, MinUserSSHCertDuration - 2h0m0s",
		`{"maxHostSSHCertDuration":"24h","defaultHostSSHCertDuration":"48h"}`:     "claims: MaxHostSSHCertDuration cannot be less than DefaultHostSSHCertDuration: MaxHostSSHCertDuration - 24h0m0s, DefaultHostSSHCertDuration - 48h0m0s",
		`{"maxUserSSHCertDuration":"3m"}`:                                         "",
		`{"minUserSSHCertDuration":"20h"}`:                                        "",
		`{"maxHostSSHCertDuration":"1680h","defaultHostSSHCertDuration":"1680h"}`: "",
	} {
		var c Claims
		if err := json.Unmarshal([]byte(claims), &c); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := builtinRules().merge(&c).validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", claims, got, want)
		}
	}
}

// A provisioner whose SSH durations contradict each other does not issue.
func TestClaimsContradictory(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "", `{"type":"SSHPOP","name":"s","claims":{"maxUserSSHCertDuration":"1h","minUserSSHCertDuration":"2h"}}`)
	if failures := f.Failures(); len(failures) != 1 || !strings.Contains(failures[0].Err.Error(), "MaxUserSSHCertDuration cannot be less than MinUserSSHCertDuration") {
		t.Errorf("failures = %v", failures)
	}
}

func TestEffectiveRules(t *testing.T) {
	t.Parallel()
	day, hour := ca.Duration(24*time.Hour), ca.Duration(time.Hour)
	rules, faults := EffectiveRules(&Claims{DefaultTLSCertDuration: &hour}, nil, &Claims{MaxTLSCertDuration: &day, MaxHostSSHCertDuration: &day})
	if rules.TLS.Default != time.Hour || rules.TLS.Max != 24*time.Hour || len(faults) != 0 {
		t.Errorf("rules %+v, faults %v", rules, faults)
	}
	_, faults = EffectiveRules(&Claims{MaxTLSCertDuration: &hour, MinHostSSHCertDuration: &day, MaxHostSSHCertDuration: &hour})
	if len(faults) != 2 || faults[0].SSH || !faults[1].SSH || faults[1].Claims[0] != "maxHostSSHCertDuration" {
		t.Errorf("faults %v, want one of each kind", faults)
	}
}
