package config

import (
	"crypto/tls"
	"slices"
)

func (t *TLS) check(r *report) {
	if t == nil {
		return
	}
	eff := t.WithDefaults()
	for _, v := range []struct {
		key   string
		value TLSVersion
	}{{"tls.minVersion", eff.MinVersion}, {"tls.maxVersion", eff.MaxVersion}} {
		if v.value.Number() == 0 {
			r.errorf(v.key, "%v is not a valid tls version", float64(v.value)).suggest("the versions are 1.0, 1.1, 1.2 and 1.3")
		}
	}
	if eff.MinVersion > eff.MaxVersion {
		r.errorf("tls.minVersion", "tls minVersion cannot exceed tls maxVersion")
	}
	if n := eff.MinVersion.Number(); n != 0 && n < tls.VersionTLS12 {
		r.warnf("tls.minVersion", "TLS %v is broken (RFC 8996)", eff.MinVersion).suggest("use 1.2 or 1.3")
	}
	known := true
	for i, name := range eff.CipherSuites {
		known = checkCipherSuite(r, index("tls.cipherSuites", i), name) && known
	}
	if known && !t.HTTP2() {
		r.warnf("tls.cipherSuites", "no suite that HTTP/2 needs is in the list, so that only HTTP/1.1 is served").
			suggest("add TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
	}
	if t.Renegotiation {
		r.warnf("tls.renegotiation", "renegotiation has no effect in a server (RFC 8446 §4.1.2 forbids it in TLS 1.3)")
	}
}

// checkCipherSuite reports whether the suite is known.
func checkCipherSuite(r *report, path, name string) bool {
	id, ok := cipherSuite(name)
	if !ok {
		f := r.errorf(path, "%s is not a valid cipher suite", name)
		if near := Nearest(name, cipherSuiteNames()); near != "" {
			f.suggest("did you mean %s?", near)
		}
		return false
	}
	switch {
	case slices.ContainsFunc(tls.InsecureCipherSuites(), func(s *tls.CipherSuite) bool { return s.ID == id }):
		r.warnf(path, "%s is not secure", name)
	case id == tls.TLS_AES_128_GCM_SHA256 || id == tls.TLS_AES_256_GCM_SHA384 || id == tls.TLS_CHACHA20_POLY1305_SHA256:
		r.warnf(path, "%s has no effect: suites of TLS 1.3 are not configurable", name)
	}
	return true
}

func cipherSuiteNames() []string {
	var names []string
	for _, s := range tls.CipherSuites() {
		names = append(names, s.Name)
	}
	return names
}
