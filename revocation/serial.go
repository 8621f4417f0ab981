package revocation

import (
	"math/big"
	"strings"

	"stepca/ca"
)

// Limits of a serial number: octets of its value (RFC 5280 §4.1.2.2), and
// characters of its text, which may have a sign, a prefix and separators.
const (
	maxSerialOctets = 20
	maxSerialText   = 330 // 160 binary digits, a separator before each, and the prefix
)

// ParseSerial parses the serial number of an X.509 certificate as requests give
// it: a Go integer literal, which is decimal, or has the prefix 0x, 0o (or just
// 0) or 0b, and may have underscores between digits and a plus sign. It is
// positive and has at most 20 octets; the error is of kind ca.ErrMalformed.
func ParseSerial(s string) (*big.Int, error) {
	n, ok := new(big.Int), false
	if len(s) <= maxSerialText {
		n, ok = n.SetString(s, 0)
	}
	if !ok || n.Sign() <= 0 || n.BitLen() > 8*maxSerialOctets {
		return nil, ca.Errorf(ca.ErrMalformed,
			"'%s' is not a valid serial number - use a base 10 representation or a base 16 representation with '0x' prefix", shorten(s))
	}
	return n, nil
}

// shorten bounds what an error repeats of its input.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
