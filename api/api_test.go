package api_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stepca/api"
	"stepca/ca"
)

// The answers in testdata are those of the reference: what we write must be the
// same bytes.
func TestResponsesAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"sign-response.json":     new(api.SignResponse),
		"ssh-sign-response.json": new(api.SSHSignResponse),
	} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(want, v); err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.NewEncoder(&got).Encode(v); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("written differently than read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"sign request without options", api.SignRequest{Token: "t"}, `{"csr":null,"ott":"t","notAfter":"","notBefore":""}`},
		{"sign request with options", api.SignRequest{
			Token:        "t",
			NotAfter:     ca.TimeOrDuration{Duration: time.Hour},
			NotBefore:    ca.TimeOrDuration{Time: time.Unix(0, 0).UTC()},
			TemplateData: json.RawMessage(`{"a":1}`),
		}, `{"csr":null,"ott":"t","notAfter":"1h0m0s","notBefore":"1970-01-01T00:00:00Z","templateData":{"a":1}}`},
		{"revoke request", api.RevokeRequest{Serial: "1", Passive: true}, `{"serial":"1","ott":"","reasonCode":0,"reason":"","passive":true}`},
		{"SSH sign request", api.SSHSignRequest{PublicKey: []byte{1}, Token: "t", CertType: ca.SSHUser},
			`{"publicKey":"AQ==","ott":"t","certType":"user","keyID":"","principals":null,"validAfter":"","validBefore":"","identityCSR":null}`},
		{"no provisioners", api.Provisioners{}, `{"provisioners":null,"nextCursor":""}`},
		{"single certificate", api.SignResponse{CertChain: []api.CertPEM{}}, `{"crt":null,"ca":null,"certChain":[]}`},
		{"version", api.Version{Version: "N/A"}, `{"version":"N/A"}`},
		{"host", api.SSHHosts{Hosts: []api.SSHHost{{Hostname: "h1"}}}, `{"hosts":[{"hid":"","host_tags":null,"hostname":"h1"}]}`},
		{"no bastion", api.SSHBastionResponse{Hostname: "h1"}, `{"hostname":"h1"}`},
		{"error", &api.Error{Status: 404, Message: "m", RequestID: "r"}, `{"status":404,"message":"m"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.v)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestUnmarshalPEM(t *testing.T) {
	t.Parallel()
	for _, absent := range []string{`null`, `""`, `"null"`} {
		var csr api.CSRPEM
		if err := json.Unmarshal([]byte(absent), &csr); err != nil || csr.CertificateRequest != nil {
			t.Errorf("CSR %s = %v, %v, want nothing", absent, csr.CertificateRequest, err)
		}
	}
	for _, bad := range []string{`1`, `"x"`, `"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"`, `{}`} {
		var csr api.CSRPEM
		if err := json.Unmarshal([]byte(bad), &csr); err == nil {
			t.Errorf("CSR %s was accepted", bad)
		}
		var crt api.CertPEM
		if err := json.Unmarshal([]byte(bad), &crt); err == nil {
			t.Errorf("certificate %s was accepted", bad)
		}
	}
}

func TestTLSOptions(t *testing.T) {
	t.Parallel()
	var o api.TLSOptions
	if err := json.Unmarshal([]byte(`{"cipherSuites":["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305","TLS_RSA_WITH_RC4_128_SHA","nonsense"],"minVersion":1.2,"maxVersion":1.3}`), &o); err != nil {
		t.Fatal(err)
	}
	if got := o.MinVersion.ID(); got != tls.VersionTLS12 {
		t.Errorf("minimum version = %#x, want TLS 1.2", got)
	}
	if got := o.MaxVersion.ID(); got != tls.VersionTLS13 {
		t.Errorf("maximum version = %#x, want TLS 1.3", got)
	}
	if got := o.SuiteIDs(); !slices.Equal(got, []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}) {
		t.Errorf("suites = %v, want only the secure one", got)
	}
	if err := json.Unmarshal([]byte(`{"minVersion":1.4}`), &o); err == nil {
		t.Error("TLS 1.4 was accepted")
	}
}

// FuzzRequests feeds every message that a server decodes, and checks that what
// is accepted is written and read again to the same text.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"csr":"","ott":"t","notAfter":"1h"}`,
		`{"publicKey":"AQ==","principals":["a"],"identityCSR":null}`,
		`{"serial":"0x1","reasonCode":1,"passive":true}`,
		`{"type":"user","data":{"a":"b"}}`,
	} {
		f.Add([]byte(seed))
	}
	for _, name := range []string{"sign-response.json", "ssh-sign-response.json"} {
		seed, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{new(api.SignRequest), new(api.SSHSignRequest), new(api.RevokeRequest),
			new(api.SSHConfigRequest), new(api.SignResponse), new(api.SSHSignResponse), new(api.SSHRoots)} {
			if json.Unmarshal(data, v) != nil {
				continue
			}
			once, err := json.Marshal(v)
			if err != nil {
				t.Fatalf("%T: accepted %q, cannot be written: %v", v, data, err)
			}
			if err := json.Unmarshal(once, v); err != nil {
				t.Fatalf("%T: wrote %s, cannot be read: %v", v, once, err)
			}
			if twice, _ := json.Marshal(v); !bytes.Equal(once, twice) {
				t.Fatalf("%T: %s became %s", v, once, twice)
			}
		}
	})
}
