package server_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"stepca/config"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/server"
)

// TestCheck: what the file may say and this version, or this build, has not is found
// before a start, so that step-ca check finds it too.
func TestCheck(t *testing.T) {
	t.Parallel()
	keys := kms.Registry{kms.Soft: soft.Open}
	engines := map[string]server.EngineOpener{
		config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return nil, nil },
	}
	for _, tt := range []struct{ name, members, want string }{
		{"nothing", ``, ""},
		{"registration authority", `,"authority":{"type":"vaultcas","certificateAuthority":"https://v","certificateAuthorityFingerprint":"` +
			`abababababababababababababababababababababababababababababababab","config":{}}`,
			`authority.type: type "vaultcas", a registration authority for another CA, is not supported by this version; leave it out, and give this CA an intermediate of its own with crt and key`},
		{"OCSP", `,"ocsp":{"enabled":true}`, "ocsp.enabled: this version answers no OCSP requests; use crl.enabled"},
		{"OCSP of an issuer", `,"issuers":[{"name":"x","crt":"x.crt","key":"x.key","ocsp":{"enabled":true}}]`,
			"issuers[0].ocsp.enabled: this version answers no OCSP requests; use crl.enabled"},
		{"remote management", `,"authority":{"enableAdmin":true}`,
			"authority.enableAdmin: remote management is not part of this version: the admin API is not served, and the provisioners are those of this file"},
		{"key manager", `,"kms":{"type":"pkcs11"}`, "kms.type: kms type 'pkcs11' is not supported by this build, which has softkms"},
		{"key manager by its URI", `,"kms":{"uri":"awskms:region=eu"}`, "kms.uri: kms type 'awskms' is not supported by this build, which has softkms"},
		{"key manager that nobody knows", `,"kms":{"type":"foo"}`, "kms.type: unsupported kms type foo"},
		{"database", `,"db":{"type":"bbolt","dataSource":"db"}`, `db.type "bbolt" is not supported by this build`},
	} {
		cfg, err := config.Parse([]byte(`{"root":"r","crt":"c","key":"k","address":":443","db":{"type":"memory"}` + tt.members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		faults := server.Check(cfg, keys, engines)
		texts := make([]string, len(faults))
		for i, f := range faults {
			texts[i] = f.String()
		}
		if tt.want == "" && len(texts) != 0 || tt.want != "" && !slices.Contains(texts, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, texts, tt.want)
		}
	}
}
