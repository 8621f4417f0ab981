package ssh

import (
	"math"
	"time"

	"golang.org/x/crypto/ssh"
)

// certTime is an end of a certificate's validity, in seconds since 1970; ok is
// false for those beyond what a time can hold, "forever" among them.
func certTime(seconds uint64) (t time.Time, ok bool) {
	if seconds > math.MaxInt64>>8 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// isValid reports whether the certificate is within its validity.
func isValid(cert *ssh.Certificate, now time.Time) bool {
	return !isExpired(cert, now) && now.Unix() >= 0 && uint64(now.Unix()) >= cert.ValidAfter
}

// isExpired reports whether the validity is over (PROTOCOL.certkeys: the end is
// not part of it).
func isExpired(cert *ssh.Certificate, now time.Time) bool {
	return cert.ValidBefore != ssh.CertTimeInfinity && uint64(now.Unix()) >= cert.ValidBefore
}

// certType is the type of a certificate in words.
func certType(cert *ssh.Certificate) string {
	switch cert.CertType {
	case ssh.UserCert:
		return "user"
	case ssh.HostCert:
		return "host"
	}
	return "unknown"
}
