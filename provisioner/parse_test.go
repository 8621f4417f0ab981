package provisioner

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"stepca/jose"
)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	private := string(must(json.Marshal(must(jose.GenerateJWK()))))
	for _, tt := range []struct{ raw, want string }{
		{`{`, "unexpected end of JSON input"},
		{`7`, "json: cannot unmarshal number into Go value of type"},
		{`null`, "type: provisioner type cannot be empty"},
		{`{"name":"n"}`, "type: provisioner type cannot be empty"},
		{`{"type":7,"name":"n"}`, "type: json: cannot unmarshal number into Go value of type string"},
		{`{"type":"ACME"}`, "name: provisioner name cannot be empty"},
		{`{"type":"JWK","name":"n"}`, "key: provisioner key cannot be empty"},
		{`{"type":"JWK","name":"n","key":null}`, "key: provisioner key cannot be empty"},
		{`{"type":"JWK","name":"n","key":{"kty":"EC"}}`, "key: "},
		{`{"type":"JWK","name":"n","key":` + private + `}`, "key: provisioner key is not a public key"},
		{`{"type":"JWK","name":"n","key":{"kty":"oct","k":"AAAA"}}`, "key: provisioner key is not"},
		{`{"type":"ACME","name":"n","claims":{"enableSSHCA":"yes"}}`, "claims.enableSSHCA: json: cannot unmarshal string into Go value of type bool"},
		{`{"type":"ACME","name":"n","claims":{"minTLSCertDuration":5}}`, "claims.minTLSCertDuration: error unmarshaling 5: "},
		{`{"type":"ACME","name":"n","claims":{"minTLSCertDuration":"1d"}}`, "claims.minTLSCertDuration: error parsing 1d as duration: "},
		{`{"type":"ACME","name":"n","options":{"webhooks":[{},{"url":1}]}}`, "options.webhooks.1.url: json: cannot unmarshal number into Go value of type string"},
		{`{"type":"OIDC","name":"n","claims":[]}`, "claims: json: cannot unmarshal array into Go value of type"},
		{`{"type":"ACME","name":"n","attestationRoots":"*"}`, "attestationRoots: "},
	} {
		_, err := Parse(json.RawMessage(tt.raw))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("Parse(%s) = %v, want %s", tt.raw, err, tt.want)
		}
	}
}

// What is parsed is written back: the same members in our order, those we do not
// know included.
func TestParseRoundTrip(t *testing.T) {
	t.Parallel()
	key := string(must(json.Marshal(must(jose.GenerateJWK()).Public())))
	for _, tt := range []struct{ raw, want string }{
		{`{"name":"n","claims":{"maxTLSCertDuration":"48h"},"type":"jwk","encryptedKey":"e","key":` + key + `}`,
			`{"type":"jwk","name":"n","key":` + key + `,"encryptedKey":"e","claims":{"maxTLSCertDuration":"48h0m0s"}}`},
		{`{"type":"ACME","name":"n","options":{"x509":{},"ssh":{}},"requireEAB":true,"forceCN":true}`,
			`{"type":"ACME","name":"n","forceCN":true,"requireEAB":true,"options":{"x509":{},"ssh":{}}}`},
		{`{"type":"ACME","name":"n","x":{"y":1},"options":{"x509":{"template":"{}","allow":{"dns":["*"]}},"webhooks":[{"name":"w","url":"u","kind":"k","z":2}]}}`,
			`{"type":"ACME","name":"n","options":{"x509":{"template":"{}","allow":{"dns":["*"]}},"webhooks":[{"name":"w","url":"u","kind":"k","z":2}]},"x":{"y":1}}`},
		{`{"type":"SSHPOP","name":"n","options":{}}`, `{"type":"SSHPOP","name":"n","options":{}}`},
		{`{"type":"sCEP","name":"n","claims":{"enableSSHCA":false,"q":1},"challenge":"s3cret","forceCN":true}`,
			`{"type":"sCEP","name":"n","challenge":"s3cret","forceCN":true,"claims":{"enableSSHCA":false,"q":1}}`},
		{`{"type":"Future", "name":"n", "any":[1.50]}`, `{"type":"Future","name":"n","any":[1.50]}`},
		{`{"Type":"acme","NAME":"n"}`, `{"type":"acme","name":"n"}`},
		{`{"type":"ACME","name":"n","policy":{"x509":{"allow":{"dns":["*.a.test"]}}},"issuer":"second"}`,
			`{"type":"ACME","name":"n","issuer":"second","policy":{"x509":{"allow":{"dns":["*.a.test"]}}}}`},
		{`{"type":"ACME","name":"n","options":{"webhooks":[{"name":"w","url":"u","kind":"k","secret":"s","basicAuth":{"username":"u","password":"p"}}]}}`,
			`{"type":"ACME","name":"n","options":{"webhooks":[{"name":"w","url":"u","kind":"k","secret":"s","basicAuth":{"username":"u","password":"p"}}]}}`},
	} {
		p, err := Parse(json.RawMessage(tt.raw))
		if err != nil {
			t.Errorf("Parse(%s): %v", tt.raw, err)
			continue
		}
		if got := string(must(json.Marshal(p))); got != tt.want {
			t.Errorf("Parse(%s) is written as\n%s, want\n%s", tt.raw, got, tt.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw  string
		want []string
	}{
		{`{"type":"ACME","name":"n"}`, nil},
		{`{"type":"ACME","name":"n","webhooks":[],"options":{"x509":{"allow":{"dns":[]}}},"claims":{"enableSSH":true}}`,
			[]string{"webhooks is not known and has no effect", "options.x509.allow is not known and has no effect", "claims.enableSSH is not known and has no effect"}},
		{`{"type":"SCEP","name":"n","challenge":"c","Capabilities":[],"chalenge":"c"}`, []string{"chalenge is not known and has no effect"}},
		{`{"type":"Future","name":"n"}`, []string{"provisioners of type Future are not known and have no effect"}},
	} {
		got := Warnings(must(Parse(json.RawMessage(tt.raw))))
		if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("Warnings(%s) = %q, want %q", tt.raw, got, tt.want)
		}
	}
}

// Provisioners and their parts do not show secrets in logs and messages.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	p := must(Parse(json.RawMessage(`{"type":"ACME","name":"n","options":{"webhooks":[{"name":"w","url":"u","kind":"k",
		"secret":"s3cret","bearerToken":"s3cret","basicAuth":{"username":"u","password":"s3cret"}}]}}`)))
	webhook := p.(*ACME).Options.Webhooks[0]
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "p", p, "secret", webhook.Secret)
	for _, text := range []string{
		log.String(), fmt.Sprint(webhook), fmt.Sprintf("%+v %#v %q %x", webhook, webhook, webhook.Secret, webhook.Secret),
		fmt.Sprintf("%v", *webhook.BasicAuth),
	} {
		if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) {
			t.Errorf("a secret shows in %s", text)
		}
	}
}

// FuzzParse holds that what Parse accepts is written in a form that it accepts,
// and that is written the same again.
func FuzzParse(f *testing.F) {
	key := string(must(json.Marshal(must(jose.GenerateJWK()).Public())))
	f.Add([]byte(`{"type":"JWK","name":"n","key":` + key + `,"claims":{"maxTLSCertDuration":"48h"},"x":[{}]}`))
	f.Add([]byte(`{"type":"ACME","name":"n","options":{"x509":{"template":"{}","y":1},"webhooks":[{"z":2}]},"options":{}}`))
	for _, raw := range fixtureJSON {
		f.Add([]byte(raw))
	}
	f.Add([]byte(`{"type":"ACME","name":"n","profiles":{"a":{"description":"d","claims":{"x":1},"y":[{}]},"A":null},"defaultProfile":"a"}`))
	f.Add([]byte(`{"type":"Future","name":"n","x":1e400}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Parse(raw)
		if err != nil {
			return
		}
		p.TokenID()
		Warnings(p)
		first, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("writing %s: %v", raw, err)
		}
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("%s is written as %s: %v", raw, first, err)
		}
		if second := must(json.Marshal(again)); string(first) != string(second) {
			t.Fatalf("%s is written as %s, and that as %s", raw, first, second)
		}
		if _, err := publicJSON(p, nil); err != nil {
			t.Fatalf("listing %s: %v", raw, err)
		}
	})
}
