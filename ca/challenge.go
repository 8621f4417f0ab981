package ca

// A ChallengeType names a way to prove control of an identifier to an ACME server
// (RFC 8555 §8).
type ChallengeType string

// The types of challenges.
const (
	HTTP01         ChallengeType = "http-01"          // RFC 8555 §8.3
	DNS01          ChallengeType = "dns-01"           // RFC 8555 §8.4
	TLSALPN01      ChallengeType = "tls-alpn-01"      // RFC 8737
	DeviceAttest01 ChallengeType = "device-attest-01" // draft-ietf-acme-device-attest
	DNSAccount01   ChallengeType = "dns-account-01"   // draft-ietf-acme-dns-account-label
	DNSPersist01   ChallengeType = "dns-persist-01"   // draft-ietf-acme-dns-persist
)

// ChallengeTypes returns all of them.
func ChallengeTypes() []ChallengeType {
	return []ChallengeType{HTTP01, DNS01, TLSALPN01, DeviceAttest01, DNSAccount01, DNSPersist01}
}

// The formats of attestation statements that device-attest-01 knows.
const (
	AttestationApple      = "apple"
	AttestationStep       = "step"
	AttestationTPM        = "tpm"
	AttestationAndroidKey = "android-key"
)

// AttestationFormats returns all of them.
func AttestationFormats() []string {
	return []string{AttestationApple, AttestationStep, AttestationTPM, AttestationAndroidKey}
}
