package config

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// A TLS says how the server speaks TLS; clients are told the same.
type TLS struct {
	CipherSuites  []string   `json:"cipherSuites"`
	MinVersion    TLSVersion `json:"minVersion"` // zero: 1.2
	MaxVersion    TLSVersion `json:"maxVersion"` // zero: 1.3
	Renegotiation bool       `json:"renegotiation"`
}

// A TLSVersion is a number such as 1.2.
type TLSVersion float64

// String returns the version with one digit after the point.
func (v TLSVersion) String() string { return fmt.Sprintf("%.1f", float64(v)) }

// MarshalJSON implements json.Marshaler: a number with one digit after the point.
func (v TLSVersion) MarshalJSON() ([]byte, error) { return []byte(v.String()), nil }

// Number returns the version as package crypto/tls knows it, 0 if it is none.
func (v TLSVersion) Number() uint16 {
	switch v {
	case 1.0:
		return tls.VersionTLS10
	case 1.1:
		return tls.VersionTLS11
	case 1.2:
		return tls.VersionTLS12
	case 1.3:
		return tls.VersionTLS13
	}
	return 0
}

// DefaultCipherSuites are those of a server whose configuration has none.
func DefaultCipherSuites() []string {
	return []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
}

// DefaultTLS returns the settings that apply where a configuration has none.
func DefaultTLS() TLS {
	return TLS{CipherSuites: DefaultCipherSuites(), MinVersion: 1.2, MaxVersion: 1.3}
}

// WithDefaults returns the settings that apply; t may be nil.
func (t *TLS) WithDefaults() TLS {
	out := DefaultTLS()
	if t == nil {
		return out
	}
	if len(t.CipherSuites) > 0 {
		out.CipherSuites = slices.Clone(t.CipherSuites)
	}
	if t.MinVersion != 0 {
		out.MinVersion = t.MinVersion
	}
	if t.MaxVersion != 0 {
		out.MaxVersion = t.MaxVersion
	}
	out.Renegotiation = t.Renegotiation
	return out
}

// Apply sets the versions, cipher suites and renegotiation of cfg. Values that
// Check has errors for are an error. HTTP/2 needs HTTP2 besides.
func (t *TLS) Apply(cfg *tls.Config) error {
	eff := t.WithDefaults()
	suites := make([]uint16, len(eff.CipherSuites))
	for i, name := range eff.CipherSuites {
		id, ok := cipherSuite(name)
		if !ok {
			return fmt.Errorf("%s is not a valid cipher suite", name)
		}
		suites[i] = id
	}
	for _, v := range []TLSVersion{eff.MinVersion, eff.MaxVersion} {
		if v.Number() == 0 {
			return fmt.Errorf("%v is not a valid tls version", v)
		}
	}
	cfg.CipherSuites = suites
	cfg.MinVersion, cfg.MaxVersion = eff.MinVersion.Number(), eff.MaxVersion.Number()
	cfg.Renegotiation = tls.RenegotiateNever
	if eff.Renegotiation {
		cfg.Renegotiation = tls.RenegotiateFreelyAsClient
	}
	return nil
}

// HTTP2 reports whether the settings allow HTTP/2, which with TLS 1.2 needs one
// of two cipher suites (RFC 9113 §9.2.2).
func (t *TLS) HTTP2() bool {
	eff := t.WithDefaults()
	if eff.MinVersion >= 1.3 {
		return true
	}
	return slices.ContainsFunc(eff.CipherSuites, func(name string) bool {
		id, _ := cipherSuite(name)
		return id == tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 || id == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	})
}

// cipherSuite returns the number of a cipher suite. Names are those of package
// crypto/tls, in any case, and two that older versions of it had.
func cipherSuite(name string) (uint16, bool) {
	name = strings.ToUpper(name)
	if strings.HasPrefix(name, "TLS_ECDHE_") && strings.HasSuffix(name, "_CHACHA20_POLY1305") {
		name += "_SHA256"
	}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.Name == name {
			return s.ID, true
		}
	}
	return 0, false
}
