package ssh

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// An inspection is the JSON form of a certificate.
type inspection struct {
	Type                  string
	KeyName               string
	KeyID                 string
	KeyAlgo               string
	KeyFingerprint        string
	SigningKeyAlgo        string
	SigningKeyFingerprint string
	Signature             signature
	Serial                uint64
	ValidAfter            time.Time // UTC
	ValidBefore           time.Time // UTC; the last second of the year 9999 for "forever"
	Principals            []string
	CriticalOptions       map[string]string
	Extensions            map[string]string
}

type signature struct {
	Type  string
	Value []byte
}

// endOfTime stands for ends of a validity that RFC 3339 cannot write.
var endOfTime = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

func newInspection(cert *ssh.Certificate) *inspection {
	return &inspection{
		Type:                  certType(cert),
		KeyName:               cert.Type(),
		KeyID:                 cert.KeyId,
		KeyAlgo:               keyKind(cert.Key),
		KeyFingerprint:        openSSHFingerprint.fingerprint(cert),
		SigningKeyAlgo:        keyKind(cert.SignatureKey),
		SigningKeyFingerprint: openSSHFingerprint.fingerprint(cert.SignatureKey),
		Signature:             signature{cert.Signature.Format, cert.Signature.Blob},
		Serial:                cert.Serial,
		ValidAfter:            jsonTime(cert.ValidAfter),
		ValidBefore:           jsonTime(cert.ValidBefore),
		Principals:            append([]string{}, cert.ValidPrincipals...),
		CriticalOptions:       orEmpty(cert.CriticalOptions),
		Extensions:            orEmpty(cert.Extensions),
	}
}

func jsonTime(seconds uint64) time.Time {
	t, ok := certTime(seconds)
	if !ok || t.After(endOfTime) {
		return endOfTime
	}
	return t.UTC()
}

// orEmpty makes an empty map {} and not null in JSON.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
