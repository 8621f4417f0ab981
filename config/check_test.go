package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/config"
)

const (
	base = `"root":"r","crt":"c","key":"k","address":":443"`
	jwk  = `"key":{"use":"sig","kty":"EC","kid":"utLu3fQpcBmwhv2PmGjFpJTt9m1SxpRHdKMa39vCwIw","crv":"P-256","alg":"ES256",` +
		`"x":"qtclSCHiW599qlTIvSJ7GyFKAs2zM6-dVz43Ssbf9Cs","y":"HR-2NiwfAhJpNxVBh0RGGxJejgTRNxLGRM1vgPVUh9c"}`
)

// provisioners is a file with a good database and the given provisioners.
func provisioners(list string) string {
	return `{` + base + `,"db":{"type":"badger","dataSource":"d"},"authority":{"provisioners":[` + list + `]}}`
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		want       []string // "E path: message; suggestion", W for warnings
	}{
		{"smallest that starts", `{` + base + `}`, nil},
		{"authority null", `{` + base + `,"authority":null}`, nil},
		{"empty", `{}`, []string{
			"E address cannot be empty; give host:port, or :port for all interfaces",
			"E root cannot be empty", "E crt cannot be empty", "E key cannot be empty"}},
		{"roots with an empty one", `{"root":["r",""],"crt":"c","key":"k","address":":1"}`, []string{"E root[1]: root cannot be empty"}},
		{"no names", `{` + base + `,"dnsNames":[]}`, []string{"E dnsNames cannot be empty"}},
		{"bad names", `{` + base + `,"dnsNames":["ca.x:9000","[::1]","","a b"]}`, []string{
			"E dnsNames[2]: dnsNames cannot have an empty name",
			`W dnsNames[0]: dns name "ca.x:9000" is invalid: character ':' is not allowed, and clients will not find it in the server's certificate; leave out the port: "ca.x"`,
			`W dnsNames[3]: dns name "a b" is invalid: character ' ' is not allowed, and clients will not find it in the server's certificate`}},
		{"addresses", `{"root":"r","crt":"c","key":"k","address":"9000","metricsAddress":"x","insecureAddress":"y"}`, []string{
			"E address: invalid address 9000; it is of the form host:port",
			`E metricsAddress: invalid metrics address "x"; it is of the form host:port`,
			`E insecureAddress: invalid insecure address "y"; it is of the form host:port`}},
		{"tls", `{` + base + `,"tls":{"cipherSuites":["tls_ecdhe_ecdsa_with_aes_128_gcm_sha256","TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305","TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA25","TLS_AES_128_GCM_SHA256","TLS_RSA_WITH_RC4_128_SHA"],"minVersion":1.4,"maxVersion":1.1,"renegotiation":true}}`, []string{
			"E tls.minVersion: 1.4 is not a valid tls version; the versions are 1.0, 1.1, 1.2 and 1.3",
			"E tls.minVersion: tls minVersion cannot exceed tls maxVersion",
			"E tls.cipherSuites[2]: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA25 is not a valid cipher suite; did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?",
			"W tls.cipherSuites[3]: TLS_AES_128_GCM_SHA256 has no effect: suites of TLS 1.3 are not configurable",
			"W tls.cipherSuites[4]: TLS_RSA_WITH_RC4_128_SHA is not secure",
			"W tls.renegotiation: renegotiation has no effect in a server (RFC 8446 §4.1.2 forbids it in TLS 1.3)"}},
		{"tls without HTTP/2", `{` + base + `,"tls":{"cipherSuites":["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],"minVersion":1.0}}`, []string{
			"W tls.minVersion: TLS 1.0 is broken (RFC 8996); use 1.2 or 1.3",
			"W tls.cipherSuites: no suite that HTTP/2 needs is in the list, so that only HTTP/1.1 is served; add TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}},
		{"kms", `{` + base + `,"kms":{"type":"foo"}}`, []string{"E kms.type: unsupported kms type foo"}},
		{"kms with another URI", `{` + base + `,"kms":{"type":"PKCS11","uri":"yubikey:"}}`, []string{"E kms.uri: error parsing yubikey:: scheme not expected; kms.type is PKCS11"}},
		{"cas", `{` + base + `,"authority":{"type":"foocas"}}`, []string{"E authority.type: unsupported cas type foocas; the types are softcas, stepcas, cloudcas and vaultcas"}},
		{"stepcas", `{"address":":1","authority":{"type":"StepCAS","certificateIssuer":{"type":"x5c","crt":"c"}},"db":{"type":"memory"},"crl":{"enabled":true}}`, []string{
			"E authority.certificateAuthority: stepCAS 'certificateAuthority' cannot be empty",
			"E authority.certificateAuthorityFingerprint: stepCAS 'certificateAuthorityFingerprint' cannot be empty",
			"E authority.certificateIssuer.key: stepCAS `certificateIssuer.key` cannot be empty",
			"E authority.certificateIssuer.provisioner: stepCAS `certificateIssuer.provisioner` cannot be empty",
			"E crl.enabled: could not generate a CRL: CA does not support CRL Generation; the CA that signs is another one (authority.type): have it make the CRL"}},
		{"cloudcas without pool", `{"address":":1","authority":{"type":"cloudcas","certificateAuthority":"projects/p/locations/l/certificateAuthorities/c"}}`, []string{
			"E authority.certificateAuthority: cloudCAS 'certificateAuthority' is not valid certificate authority resource; it is projects/<p>/locations/<l>/caPools/<pool>/certificateAuthorities/<ca>"}},
		{"linked", `{` + base + `,"authority":{"deploymentType":"linked"}}`, []string{
			`E authority.deploymentType: deployment type "linked" needs a hosted service that is not part of this software; remove it, and set enableAdmin to keep provisioners in the database`}},
		{"ssh keys", `{` + base + `,"ssh":{"hostKey":"h","keys":[{"key":{}},{"type":"x",` + jwk + `},{"type":"user","key":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}}]}}`, []string{
			"E ssh.keys[0].type: type cannot be empty; it is user or host",
			"E ssh.keys[0].key: error creating ssh key: parsing JWK: go-jose/go-jose: missing json web key type",
			"E ssh.keys[1].type: invalid type x, it must be user or host",
			"E ssh.keys[2].key: invalid key type, it must be a public key; whoever reads the file has the private key: replace it"}},
		{"ssh", `{` + base + `,"ssh":{"hostKey":"h","addUserPrincipal":"a,b","addUserCommand":"true","bastion":{"user":"u"},"keys":[{"type":"user","key":{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}},{"type":"user","key":{"kty":"oct","k":"AAAA"}},{"type":"host","key":"ssh-ed25519 AAAA"},{"type":"host","key":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dcz old"}]}}`, []string{
			"E ssh.keys[0].key: error creating ssh key: parsing JWK: go-jose/go-jose: unsupported key type/format",
			"E ssh.keys[1].key: invalid key type, it must be a public key; whoever reads the file has the private key: replace it",
			`E ssh.keys[2].key: error creating ssh key: "ssh-ed25519 AAAA" is neither a JWK nor a line of authorized_keys`,
			`E ssh.addUserPrincipal: "a,b" is not a single principal`,
			"W ssh.addUserCommand: the command does not say <principal>, and so adds nobody in particular",
			"W ssh.bastion.hostname: a bastion without hostname has no effect"}},
		{"templates", `{` + base + `,"templates":{"data":{"Step":1,"User":2,"x":3},"ssh":{"user":[{"type":"x","template":"t","path":"p"},{"name":"d","type":"directory","template":"t","path":"p"}],"host":[{"name":"n","type":"file"}]}}}`, []string{
			"E templates.data.Step: templates variables cannot contain 'Step' as a property",
			"E templates.data.User: templates variables cannot contain 'User' as a property",
			"E templates.ssh.user[0].name: template name cannot be empty",
			"E templates.ssh.user[0].type: invalid template type x, it must be snippet, prepend-line, file, or directory",
			"E templates.ssh.user[1].template: template template must be empty with directory type",
			"E templates.ssh.host[0].template: template template cannot be empty",
			"E templates.ssh.host[0].path: template path cannot be empty"}},
		{"crl", `{` + base + `,"crl":{"enabled":true,"cacheDuration":"1h","renewPeriod":"2h","idpURL":"ca.x/crl"}}`, []string{
			"E crl.renewPeriod: crl.cacheDuration must be greater than or equal to crl.renewPeriod",
			"E crl.enabled: a CRL needs a database, and db is missing",
			`W crl.idpURL: "ca.x/crl" is not an absolute URL`}},
		{"crl durations", `{` + base + `,"crl":{"cacheDuration":"-1h"},"db":{"type":"memory"}}`, []string{"E crl.cacheDuration must be greater than or equal to 0"}},
		{"logger, db, monitoring", `{` + base + `,"logger":{"format":"xml"},"db":{"type":"sqlite","badgerFileLoadingMode":"x","retention":{"certificates":"-1h","orders":"-1h"}},"monitoring":{"type":"x"}}`, []string{
			"E logger.format: unsupported logger.format 'xml'; the formats are text, json and common",
			"E db.type: Error opening database of Type sqlite: sqlite database not supported; the types are pebble, badger, bbolt, postgresql, mysql and memory",
			"E db.badgerFileLoadingMode: invalid loading mode 'x'; the modes are MemoryMap and FileIO",
			"E db.retention.certificates cannot be less than 0; leave it out to keep them forever",
			"E monitoring.type: unsupported monitoring.type 'x'"}},
		{"spellings", `{` + base + `,"logger":{"format":"JSON"},"db":{"type":"badgerV2","dataSource":"d","badgerFileLoadingMode":"MemoryMap"},"monitoring":{"type":"NewRelic"}}`, []string{
			"W monitoring.type: monitoring with New Relic has no effect here; scrape metricsAddress instead"}},
		{"no data source", `{` + base + `,"db":{"type":"mysql"}}`, []string{"E db.dataSource cannot be empty"}},
		{"needs a database", `{` + base + `,"authority":{"enableAdmin":true,"provisioners":[{"type":"acme","name":"a"}]}}`, []string{
			"E authority.enableAdmin: remote management needs a database, and db is missing",
			"W authority.provisioners[0]: no database is configured, so that ACME provisioners are disabled"}},
		{"claims", `{` + base + `,"authority":{"backdate":"-1m","claims":{"maxTLSCertDuration":"12h","minHostSSHCertDuration":"1000h"},"provisioners":[{"type":"ACME","name":"a","claims":{"maxUserSSHCertDuration":"1m"}}]}}`, []string{
			"E authority.backdate cannot be less than 0",
			"E authority.claims.maxTLSCertDuration: error generating provisioner config: claims: MaxCertDuration cannot be less than DefaultCertDuration: MaxCertDuration - 12h0m0s, DefaultCertDuration - 24h0m0s; set defaultTLSCertDuration too, to 12h0m0s at most",
			"E authority.claims.minHostSSHCertDuration: error generating provisioner config: claims: MaxHostSSHCertDuration cannot be less than MinHostSSHCertDuration: MaxHostSSHCertDuration - 720h0m0s, MinHostSSHCertDuration - 1000h0m0s",
			"W authority.provisioners[0]: no database is configured, so that ACME provisioners are disabled"}},
		{"SSH claims of a provisioner", provisioners(`{"type":"JWK","name":"b",` + jwk + `,"claims":{"defaultUserSSHCertDuration":"3h","maxUserSSHCertDuration":"2h","minTLSCertDuration":"48h"}}`), []string{
			"E authority.provisioners[0].claims.maxUserSSHCertDuration: claims: MaxUserSSHCertDuration cannot be less than DefaultUserSSHCertDuration: MaxUserSSHCertDuration - 2h0m0s, DefaultUserSSHCertDuration - 3h0m0s",
			`W authority.provisioners[0].claims.minTLSCertDuration: provisioner "b" is disabled: claims: MaxCertDuration cannot be less than MinCertDuration: MaxCertDuration - 24h0m0s, MinCertDuration - 48h0m0s`}},
		{"a maximum for SSH alone", `{` + base + `,"authority":{"claims":{"maxUserSSHCertDuration":"8h","minHostSSHCertDuration":"0s"}}}`, nil},
		{"implied bounds", `{` + base + `,"authority":{"claims":{"defaultTLSCertDuration":"48h"}}}`, nil},
		{"policy", `{` + base + `,"authority":{"policy":{"x509":{"allow":{"dns":["*.ok","a.*.b"]}}}}}`, []string{
			`E authority.policy.x509.allow.dns[1]: cannot parse permitted domain constraint "a.*.b": domain constraint "a.*.b" can only have a wildcard as its first label`}},
		{"provisioners", provisioners(`{"type":"JWK","name":"a"},{"type":"JWK"},{"type":"JWK","name":"b",` + jwk + `,"claims":{"minTLSCertDuration":"48h"}},{"type":"ACME","name":"b"},{"type":"ACME","name":"a"},{"type":"acme","name":"a"}`), []string{
			"E authority.provisioners[0].key: provisioner key cannot be empty",
			"E authority.provisioners[1].name: provisioner name cannot be empty",
			"E authority.provisioners[3].name: cannot add multiple provisioners with the same name; the other is authority.provisioners[2]",
			"E authority.provisioners[5]: cannot add multiple provisioners with the same id; the other is authority.provisioners[4]",
			`W authority.provisioners[2].claims.minTLSCertDuration: provisioner "b" is disabled: claims: MaxCertDuration cannot be less than MinCertDuration: MaxCertDuration - 24h0m0s, MinCertDuration - 48h0m0s`}},
		{"unknown provisioner keys", provisioners(`{"type":"martian","name":"m"},{"type":"JWK2","name":"j"},{"type":"ACME","name":"a","requireEab":true,"chalenges":[],"options":{"x509":{"allow":{}}},"webhooks":[],"policy":{"x509":{"alow":{}}}}`), []string{
			`W authority.provisioners[0].type: provisioners of type "martian" are not known, and this one has no effect`,
			`W authority.provisioners[1].type: provisioners of type "JWK2" are not known, and this one has no effect; did you mean "JWK"?`,
			`W authority.provisioners[2].chalenges: unknown key "chalenges" has no effect; did you mean "challenges"?`,
			`W authority.provisioners[2].options.x509.allow: "allow" has no effect here: nothing is restricted by it; did you mean policy.x509.allow?`,
			`W authority.provisioners[2].webhooks: "webhooks" has no effect here: nothing is restricted by it; did you mean options.webhooks of a provisioner?`,
			`W authority.provisioners[2].policy.x509.alow: unknown key "alow" has no effect; did you mean "allow"?`}},
		{"unknown keys", `{` + base + `,"ADDRESS":":444","dns":["x"],"policy":{},"x-y-z":1,"authority":{"password":"p","template":{"contry":"DE"}}} more`, []string{
			"W what follows the closing brace of the configuration has no effect",
			"W address is there more than once, and only the last one counts",
			`W dns: unknown key "dns" has no effect; did you mean "dnsNames"?`,
			`W policy: "policy" has no effect here: nothing is restricted by it; did you mean authority.policy?`,
			`W x-y-z: unknown key "x-y-z" has no effect`,
			`W authority.password: unknown key "password" has no effect; did you mean the key password at the top level?`,
			`W authority.template.contry: unknown key "contry" has no effect; did you mean "country"?`}},
		{"strict", `{` + base + `,"strict":true,"policy":{},"tls":{"minVersion":1.0}} x`, []string{
			"E what follows the closing brace of the configuration has no effect",
			`E policy: "policy" has no effect here: nothing is restricted by it; did you mean authority.policy?`,
			"W tls.minVersion: TLS 1.0 is broken (RFC 8996); use 1.2 or 1.3"}},
		{"issuers", `{` + base + `,"lint":"sometimes","ocsp":{"enabled":true,"validity":"-1h"},"issuers":[{"name":"default","crt":"c","key":"k"},{"name":"b","key":"k","state":"asleep","aia":{"ocsp":["","x"]}}],"authority":{"provisioners":[{"type":"ACME","name":"a","issuer":"none"}]},"db":{"type":"memory"}}`, []string{
			"E lint: unsupported lint mode 'sometimes'; the modes are always, shape and off",
			"E ocsp.validity must be greater than or equal to 0",
			`E issuers[0].name: there is more than one issuer called "default"; that is the one that the keys crt and key configure`,
			"E issuers[1].crt: crt cannot be empty",
			"E issuers[1].state: unsupported issuer state 'asleep'; the states are staged, active and retired",
			"E issuers[1].aia.ocsp[0]: the URL is empty",
			`E authority.provisioners[0].issuer: there is no issuer called "none"`,
			`W issuers[1].aia.ocsp[1]: "x" is not an absolute URL`}},
		{"profiles", `{` + base + `,"authority":{"provisioners":[{"type":"ACME","name":"a","profiles":{"x":{"description":"d","issuer":"none","tempalte":"{}"},"y":{"description":"d","issuer":"default"}}}]},"db":{"type":"memory"}}`, []string{
			`E authority.provisioners[0].profiles.x.issuer: there is no issuer called "none"`,
			`W authority.provisioners[0].profiles.x.tempalte: unknown key "tempalte" has no effect; did you mean "template"?`}},
		{"idle issuers", `{` + base + `,"issuers":[{"name":"old","crt":"c","key":"k","state":"retired"}],"authority":{"provisioners":[{"type":"ACME","name":"a","issuer":"old","profiles":{"x":{"description":"d","issuer":"old"}}}]},"db":{"type":"memory"}}`, []string{
			`W authority.provisioners[0].issuer: issuer "old" is retired and signs nothing, so that what is asked for here will be refused`,
			`W authority.provisioners[0].profiles.x.issuer: issuer "old" is retired and signs nothing, so that what is asked for here will be refused`}},
		{"only issuers", `{"root":"r","address":":1","issuers":[{"name":"a","crt":"c","key":"k","state":"staged"}]}`, []string{
			"E issuers: no issuer is active, so that nothing can be signed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Parse([]byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, faultLines(c.Check())); d != "" {
				t.Errorf("Check (-want +got):\n%s", d)
			}
		})
	}
}

func faultLines(faults config.Faults) []string {
	var lines []string
	for _, f := range faults {
		letter := strings.ToUpper(string(f.Severity[:1]))
		lines = append(lines, letter+" "+f.String())
	}
	return lines
}

func TestCheckReference(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/init-ssh.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if faults := c.Check(); len(faults) > 0 {
		t.Errorf("Check of a file of the reference gives %v", faults)
	}
}

func TestFaultsErr(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, want string }{
		{`{}`, "address cannot be empty; give host:port, or :port for all interfaces (and 3 more; see all with step-ca check)"},
		{`{"root":"r","crt":"c","address":":1"}`, "key cannot be empty"},
	} {
		c, err := config.Parse([]byte(tt.file))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check().Err(); err == nil || err.Error() != tt.want {
			t.Errorf("error for %s is %v, want %s", tt.file, err, tt.want)
		}
	}
	c := &config.Config{Root: config.Roots{"r"}, Crt: "c", Key: "k", Address: ":1"}
	if err := c.Check().Err(); err != nil {
		t.Errorf("error for a good configuration is %v", err)
	}
}
