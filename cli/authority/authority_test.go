package authority

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"stepca/ca"
	"stepca/cli"
	"stepca/jose"
	"stepca/keyfile"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	list := parseProvisioners([]json.RawMessage{
		[]byte(`{"type":"jwk","name":"admin","key":{"kid":"k1"}}`),
		[]byte(`{"type":"JWK","name":"other","key":{"kid":"k2"}}`),
		[]byte(`{"type":"OIDC","name":"google","clientID":"c"}`),
		[]byte(`{"type":"Azure","name":"az","tenantID":"t"}`),
		[]byte(`{"type":"X5C","name":"x"}`),
		[]byte(`"nonsense"`),
	})
	tests := []struct {
		name   string
		choice choice
		want   string // the provisioner, or the error
	}{
		{"by name", choice{name: "admin"}, "admin (JWK) [kid: k1]"},
		{"by key ID", choice{kid: "k2"}, "other (JWK) [kid: k2]"},
		{"by client ID", choice{kid: "c"}, "google (OIDC) [client: c]"},
		{"by tenant", choice{name: "az"}, "az (Azure) [tenant: t]"},
		{"by credentials", choice{types: []ca.ProvisionerType{ca.TypeX5C}}, "x (X5C)"},
		{"unknown name", choice{name: "Admin"}, "invalid value 'Admin' for flag '--provisioner'"},
		{"unknown key ID", choice{kid: "k3"}, "invalid value 'k3' for flag '--kid'"},
		{"name of another type", choice{name: "admin", types: []ca.ProvisionerType{ca.TypeX5C}}, "invalid value 'admin' for flag '--provisioner'"},
		{"no such type", choice{types: []ca.ProvisionerType{ca.TypeNebula}}, "cannot create a new token: the CA does not have any provisioner configured"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			p, err := tt.choice.choose(&cli.Env{Stderr: &stderr}, list)
			if err != nil {
				if err.Error() != tt.want {
					t.Errorf("error %q, want %q", err, tt.want)
				}
				return
			}
			if p.String() != tt.want || stderr.String() != "✔ Provisioner: "+tt.want+"\n" {
				t.Errorf("chose %s and wrote %q, want %s", p, stderr.String(), tt.want)
			}
		})
	}
}

func TestTokenType(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		claims string
		header map[string]any
		want   ca.ProvisionerType
	}{
		{`{"iss":"admin","sha":"ab"}`, nil, ca.TypeJWK},
		{`{"iss":"admin","sans":["a"]}`, nil, ca.TypeJWK},
		{`{"iss":"admin"}`, nil, ca.TypeJWK},
		{`{"iss":"x","sha":"ab"}`, map[string]any{"x5c": []string{"AA=="}}, ca.TypeX5C},
		{`{"iss":"x","sha":"ab"}`, map[string]any{"sshpop": "AA=="}, ca.TypeSSHPOP},
		{`{"iss":"x","sha":"ab"}`, map[string]any{"nebula": "AA=="}, ca.TypeNebula},
		{`{"iss":"https://accounts.google.com","email":"a@b"}`, nil, ca.TypeOIDC},
		{`{"iss":"https://accounts.google.com","google":{}}`, nil, ca.TypeGCP},
		{`{"iss":"ec2.amazonaws.com","amazon":{}}`, nil, ca.TypeAWS},
		{`{"iss":"https://sts.windows.net/t/","xms_mirid":"/a"}`, nil, ca.TypeAzure},
		{`{"iss":"kubernetes/serviceaccount"}`, nil, ca.TypeK8sSA},
	}
	for _, tt := range tests {
		token, err := jose.SignClaims(json.RawMessage(tt.claims), key, jose.SignOptions{Header: tt.header})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := TokenType(token); err != nil || got != tt.want {
			t.Errorf("TokenType(%s, %v) = %v, %v, want %v", tt.claims, tt.header, got, err, tt.want)
		}
	}
	token, err := jose.SignClaims(json.RawMessage(`{"sub":"a"}`), key, jose.SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := TokenType(token); err == nil {
		t.Errorf("a token without issuer is %v, want an error", got)
	}
}

// A person may try again, a password file may not.
func TestDecryptAttempts(t *testing.T) {
	t.Parallel()
	key, err := jose.GenerateJWK()
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := jose.EncryptJWK(key, []byte("right"))
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	answers := func(attempts int, list ...string) keyfile.Password {
		return keyfile.Password{Attempts: attempts, Ask: func(string) ([]byte, error) {
			if len(list) == 0 {
				t.Error("asked once too often")
				return nil, errors.New("no more answers")
			}
			answer := list[0]
			list = list[1:]
			return []byte(answer), nil
		}}
	}
	if _, err := decrypt(encrypted, answers(3, "wrong", "right"), ""); err != nil {
		t.Errorf("second answer right: %v", err)
	}
	for name, pw := range map[string]keyfile.Password{
		"three wrong answers": answers(3, "a", "b", "c"),
		"wrong password file": keyfile.FixedPassword([]byte("wrong")),
	} {
		if _, err := decrypt(encrypted, pw, ""); !errors.Is(err, jose.ErrInvalidPassword) {
			t.Errorf("%s: %v, want an invalid password", name, err)
		}
	}
}
