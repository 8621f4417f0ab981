package keyfile

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// A FingerprintFormat is how the bytes of a hash are written.
type FingerprintFormat int

// The formats of fingerprints.
const (
	Hex          FingerprintFormat = iota // lower case
	Base64                                // padded
	Base64URL                             // padded
	Base64Raw                             // without padding
	Base64URLRaw                          // without padding
	Emoji                                 // one symbol a byte, by emojisum's table
)

// ParseFingerprintFormat returns the format of a name, in any case and with
// white space around it: hex, base64, base64-url, base64-raw, base64-url-raw,
// emoji, and the other spellings that the reference takes.
func ParseFingerprintFormat(name string) (FingerprintFormat, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "hex":
		return Hex, nil
	case "base64":
		return Base64, nil
	case "base64-url", "base64url":
		return Base64URL, nil
	case "base64-raw", "base64raw":
		return Base64Raw, nil
	case "base64-url-raw", "base64urlraw", "base64url-raw":
		return Base64URLRaw, nil
	case "emoji", "emojisum":
		return Emoji, nil
	default:
		return 0, fmt.Errorf("error parsing fingerprint format: '%s' is not a valid fingerprint format", name)
	}
}

// Format writes a hash.
func (f FingerprintFormat) Format(sum []byte) string {
	switch f {
	case Base64:
		return base64.StdEncoding.EncodeToString(sum)
	case Base64URL:
		return base64.URLEncoding.EncodeToString(sum)
	case Base64Raw:
		return base64.RawStdEncoding.EncodeToString(sum)
	case Base64URLRaw:
		return base64.RawURLEncoding.EncodeToString(sum)
	case Emoji:
		return emoji(sum)
	default:
		return hex.EncodeToString(sum)
	}
}
