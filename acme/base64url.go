package acme

import (
	"encoding/base64"
	"errors"
	"strings"
)

// DecodeBase64URL decodes base64url without padding (RFC 8555 §6.1). Line breaks and
// stray bits, which encoding/base64 passes over, are errors.
func DecodeBase64URL(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}
