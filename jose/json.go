package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

// Bounds on what is parsed, in bytes unless they say otherwise.
const (
	MaxSize       = 16 << 20 // of one JWS, JWE or JWK set; servers bound their requests well below
	MaxHeaderSize = 64 << 10 // of a protected header after base64url, certificate chain included
	MaxKeySize    = 64 << 10 // of one JWK
	MaxChain      = 16       // certificates in an x5c header
	MaxRSABits    = 16384    // of an RSA modulus
)

// encoding is base64url as RFC 7515 §2 wants it. Strict refuses stray bits.
var encoding = base64.RawURLEncoding.Strict()

// decodeSegment decodes base64url. Line breaks, which encoding/base64 passes
// over, are errors: a token has one spelling.
func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return encoding.DecodeString(s)
}

// Unmarshal is json.Unmarshal with case-sensitive names, each at most once (RFC 7515
// §4): what one reader of a signed object sees, all see.
func Unmarshal(data []byte, value any) error { return json.Unmarshal(data, value) }
