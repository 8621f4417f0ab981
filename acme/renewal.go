package acme

import (
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"time"
)

// CertID returns the identifier of a certificate in renewal information (RFC 9773
// §4.1): its authority key identifier and serial number.
func CertID(crt *x509.Certificate) string {
	return base64.RawURLEncoding.EncodeToString(crt.AuthorityKeyId) + "." +
		base64.RawURLEncoding.EncodeToString(serialOctets(crt.SerialNumber))
}

// serialOctets returns the content octets of a positive INTEGER in DER.
func serialOctets(n *big.Int) []byte {
	octets := n.Bytes()
	if len(octets) > 0 && octets[0]&0x80 != 0 {
		octets = append([]byte{0}, octets...)
	}
	return octets
}

// maxSerialOctets is that of a serial number in DER, RFC 5280 §4.1.2.2.
const maxSerialOctets = 20

// ParseCertID parses what CertID returns, and no other spelling of it. The error is
// a *Problem.
func ParseCertID(s string) (authorityKeyID []byte, serial *big.Int, err error) {
	malformed := NewProblem(ProblemMalformed, "%q is not a certificate identifier", Clip(s, maxShown))
	first, second, ok := strings.Cut(s, ".")
	authorityKeyID, err1 := DecodeBase64URL(first)
	octets, err2 := DecodeBase64URL(second)
	if !ok || err1 != nil || err2 != nil {
		return nil, nil, malformed
	}
	serial = new(big.Int).SetBytes(octets)
	if len(authorityKeyID) == 0 || serial.Sign() == 0 || len(octets) > maxSerialOctets ||
		string(serialOctets(serial)) != string(octets) {
		return nil, nil, malformed
	}
	return authorityKeyID, serial, nil
}

// A Window is when to renew a certificate (RFC 9773 §4.2); clients choose a moment
// in it at random. End is after Start.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// shortLived is the lifetime below which half of it is waited for a renewal, rather
// than two thirds: there is less time to try again.
const shortLived = 10 * 24 * time.Hour

// SuggestedWindow returns the window of a certificate that nothing is wrong with: a
// fiftieth of its lifetime, around two thirds of it. It is the same each time.
func SuggestedWindow(crt *x509.Certificate) Window {
	lifetime := crt.NotAfter.Sub(crt.NotBefore)
	middle := lifetime / 3 * 2
	if lifetime < shortLived {
		middle = lifetime / 2
	}
	margin := max(lifetime/100, time.Second)
	return Window{
		Start: crt.NotBefore.Add(middle - margin).UTC().Truncate(time.Second),
		End:   crt.NotBefore.Add(middle + margin).UTC().Truncate(time.Second),
	}
}

// PastWindow returns a window that is over: renew at once.
func PastWindow(now time.Time) Window {
	now = now.UTC().Truncate(time.Second)
	return Window{Start: now.Add(-2 * time.Hour), End: now.Add(-time.Hour)}
}
