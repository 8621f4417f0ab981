package api

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math"
)

// TLSOptions are TLS settings as the CA's configuration and its answers hold
// them.
type TLSOptions struct {
	CipherSuites  []string   `json:"cipherSuites"` // IANA names; they bind TLS 1.2 and below only
	MinVersion    TLSVersion `json:"minVersion"`
	MaxVersion    TLSVersion `json:"maxVersion"`
	Renegotiation bool       `json:"renegotiation"`
}

// A TLSVersion is a version of TLS that JSON holds as a number such as 1.2. Zero
// is unset.
type TLSVersion float64

// ID returns the constant of crypto/tls, and 0 for a version that it does not
// know.
func (v TLSVersion) ID() uint16 {
	switch math.Round(float64(v) * 10) {
	case 10:
		return tls.VersionTLS10
	case 11:
		return tls.VersionTLS11
	case 12:
		return tls.VersionTLS12
	case 13:
		return tls.VersionTLS13
	}
	return 0
}

// UnmarshalJSON implements json.Unmarshaler; a version that ID does not know is
// an error.
func (v *TLSVersion) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f != 0 && TLSVersion(f).ID() == 0 {
		return fmt.Errorf("%v is not a version of TLS", f)
	}
	*v = TLSVersion(f)
	return nil
}

// SuiteIDs returns the numbers of the cipher suites. Names that crypto/tls does
// not implement, or calls insecure, are left out.
func (o *TLSOptions) SuiteIDs() []uint16 {
	ids := make([]uint16, 0, len(o.CipherSuites))
	for _, name := range o.CipherSuites {
		if id, ok := suiteID(name); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// legacySuites are older spellings that configurations of the reference use.
var legacySuites = map[string]uint16{
	"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
}

func suiteID(name string) (uint16, bool) {
	for _, suite := range tls.CipherSuites() {
		if suite.Name == name {
			return suite.ID, true
		}
	}
	id, ok := legacySuites[name]
	return id, ok
}
