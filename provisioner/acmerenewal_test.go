package provisioner

import (
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestRenewalWindowTakes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	crt := &x509.Certificate{SerialNumber: big.NewInt(255), NotBefore: now}
	for _, test := range []struct {
		name string
		w    RenewalWindow
		want bool
	}{
		{"issued before", RenewalWindow{IssuedBefore: now.Add(time.Second)}, true},
		{"issued at that time", RenewalWindow{IssuedBefore: now}, false},
		{"decimal serial number", RenewalWindow{Serials: []string{"1", "255"}}, true},
		{"hexadecimal serial number", RenewalWindow{Serials: []string{"0xFF"}}, true},
		{"another serial number", RenewalWindow{Serials: []string{"256"}}, false},
		{"both conditions, one met", RenewalWindow{IssuedBefore: now, Serials: []string{"255"}}, false},
		{"both conditions met", RenewalWindow{IssuedBefore: now.Add(time.Hour), Serials: []string{"255"}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &ACME{RenewalWindows: []RenewalWindow{test.w}}
			if err := p.prepareRenewalWindows(); err != nil {
				t.Fatal(err)
			}
			if got := p.RenewalWindow(crt) != nil; got != test.want {
				t.Errorf("taken: %v, want %v", got, test.want)
			}
		})
	}
}

func TestRenewalWindowRefusals(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct {
		name string
		w    RenewalWindow
		want string
	}{
		{"no condition", RenewalWindow{Start: now, End: now.Add(time.Hour)}, "needs issuedBefore"},
		{"start alone", RenewalWindow{IssuedBefore: now, Start: now}, "belong together"},
		{"end before start", RenewalWindow{IssuedBefore: now, Start: now, End: now.Add(-time.Hour)}, "end has to be after start"},
		{"serial number", RenewalWindow{Serials: []string{"ff"}}, `"ff" in serials`},
		{"negative serial number", RenewalWindow{Serials: []string{"-1"}}, `"-1" in serials`},
		{"address", RenewalWindow{IssuedBefore: now, ExplanationURL: "javascript:alert(1)"}, "explanationURL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &ACME{RenewalWindows: []RenewalWindow{{Serials: []string{"1"}}, test.w}}
			err := p.prepareRenewalWindows()
			if err == nil || !strings.HasPrefix(err.Error(), "renewalWindows[1]: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about renewalWindows[1] with %q", err, test.want)
			}
		})
	}
}
