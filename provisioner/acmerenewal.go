package provisioner

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A RenewalWindow makes ACME clients renew certificates early, as after an incident
// (RFC 9773 §4.2). It is for the certificates that meet all its conditions, of
// which it needs one.
type RenewalWindow struct {
	// IssuedBefore takes the certificates whose validity began before it; zero
	// takes all.
	IssuedBefore time.Time `json:"issuedBefore,omitzero"`

	// Serials takes the certificates with these serial numbers, in decimal, or
	// hexadecimal after "0x"; empty takes all.
	Serials []string `json:"serials,omitempty"`

	// Start and End are when to renew; clients choose a moment between them. Both
	// zero means at once.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`

	// ExplanationURL is a page that clients show to people; "" for none.
	ExplanationURL string `json:"explanationURL,omitempty"`

	serials []*big.Int
}

func (w *RenewalWindow) prepare() error {
	if w.IssuedBefore.IsZero() && len(w.Serials) == 0 {
		return errors.New("it needs issuedBefore, serials or both, to say which certificates are to be renewed early")
	}
	if w.Start.IsZero() != w.End.IsZero() || !w.Start.IsZero() && !w.End.After(w.Start) {
		return errors.New("start and end belong together, and end has to be after start; without them, certificates are renewed at once")
	}
	if u, err := url.Parse(w.ExplanationURL); w.ExplanationURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("explanationURL %q is not an address such as https://status.example.com/incident", w.ExplanationURL)
	}
	for _, s := range w.Serials {
		digits, base := s, 10
		if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
			digits, base = hex, 16
		}
		serial, ok := new(big.Int).SetString(digits, base)
		if !ok || serial.Sign() <= 0 {
			return fmt.Errorf("%q in serials is not a serial number, in decimal or hexadecimal after 0x", s)
		}
		w.serials = append(w.serials, serial)
	}
	return nil
}

func (w *RenewalWindow) takes(crt *x509.Certificate) bool {
	if !w.IssuedBefore.IsZero() && !crt.NotBefore.Before(w.IssuedBefore) {
		return false
	}
	return len(w.serials) == 0 || slices.ContainsFunc(w.serials, func(n *big.Int) bool { return n.Cmp(crt.SerialNumber) == 0 })
}

// RenewalWindow returns the first of RenewalWindows that takes a certificate of the
// provisioner, or nil.
func (p *ACME) RenewalWindow(crt *x509.Certificate) *RenewalWindow {
	for i := range p.RenewalWindows {
		if w := &p.RenewalWindows[i]; w.takes(crt) {
			return w
		}
	}
	return nil
}

func (p *ACME) prepareRenewalWindows() error {
	for i := range p.RenewalWindows {
		if err := p.RenewalWindows[i].prepare(); err != nil {
			return &FieldError{fmt.Sprintf("renewalWindows[%d]", i), err}
		}
	}
	return nil
}
