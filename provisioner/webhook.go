package provisioner

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// The kinds of webhooks, which say when one is called.
const (
	WebhookEnriching     = "ENRICHING"     // before the template; its reply is data for it
	WebhookAuthorizing   = "AUTHORIZING"   // after all other checks, before signing
	WebhookSCEPChallenge = "SCEPCHALLENGE" // decides on a SCEP challenge
	WebhookNotifying     = "NOTIFYING"     // told of the outcome of a SCEP request
)

// A Webhook is the configuration of a remote service that is asked about each
// certificate.
type Webhook struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	URL  string `json:"url"`  // https only; may be a template
	Kind string `json:"kind"` // one of the kinds above, in any case

	// DisableTLSClientAuth keeps the CA's client certificate from the service.
	DisableTLSClientAuth bool `json:"disableTLSClientAuth,omitempty"`

	// CertType limits the hook to "X509" or "SSH" certificates; "ALL" and ""
	// do not.
	CertType string `json:"certType,omitempty"`

	// The rest are secrets, which the public list of provisioners leaves out.

	Secret      Secret     `json:"secret,omitempty"` // HMAC key, standard base64
	BearerToken Secret     `json:"bearerToken,omitempty"`
	BasicAuth   *BasicAuth `json:"basicAuth,omitempty"`
}

// BasicAuth are credentials for HTTP basic authentication (RFC 7617).
type BasicAuth struct {
	Username string `json:"username"`
	Password Secret `json:"password"`
}

// A Secret is a string that package fmt and logs show as "[redacted]". JSON has
// it as it is: it is how provisioners are stored.
type Secret string

// Format implements fmt.Formatter for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

const redacted = "[redacted]"

// validate reports the first fault, in the words of the reference.
func (w *Webhook) validate() error {
	if w.Name == "" {
		return errors.New("webhook name is required")
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "":
		return errors.New("webhook url is invalid")
	case u.Scheme != "https":
		return errors.New("webhook url must use https")
	case u.User != nil:
		return errors.New("webhook url may not contain username or password")
	}
	switch strings.ToUpper(w.Kind) {
	case WebhookEnriching, WebhookAuthorizing, WebhookSCEPChallenge, WebhookNotifying:
	case "":
		return errors.New("webhook kind is required")
	default:
		return errors.New("webhook kind is invalid")
	}
	switch strings.ToUpper(w.CertType) {
	case "", "ALL", "X509", "SSH":
		return nil
	}
	return errors.New("webhook certType is invalid")
}
