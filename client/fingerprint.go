package client

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"stepca/ca"
)

// Fingerprint returns the SHA-256 of a certificate in lower-case hex, as it is
// shown to users and put in the "sha" claim of tokens.
func Fingerprint(crt *x509.Certificate) string { return ca.Fingerprint(crt) }

// normalFingerprint lower-cases a fingerprint and drops dashes and surrounding
// space. Text that is no fingerprint is passed on escaped, for the CA to say
// that it knows none of that kind, unless it is empty.
func normalFingerprint(s string) (string, error) {
	s = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
	if s == "" {
		return "", fmt.Errorf("the fingerprint of the root certificate is empty")
	}
	return url.PathEscape(s), nil
}
