package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"reflect"
	"testing"

	"stepca/api"
	"stepca/ca"
)

// FuzzReadPlain compares both readers of bodies. What clients write has to be
// plain.
func FuzzReadPlain(f *testing.F) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"a.example.com"}}, key)
	if err != nil {
		f.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		f.Fatal(err)
	}
	later, err := ca.ParseTimeOrDuration("5m")
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []plainReader{
		&api.SignRequest{CSR: api.CSRPEM{CertificateRequest: csr}, Token: "a.b.c", NotAfter: later},
		&api.RevokeRequest{Serial: "1", Token: "a.b.c", ReasonCode: 4, Reason: "lost", Passive: true},
		&api.SSHSignRequest{PublicKey: []byte("key"), Token: "a.b.c", CertType: ca.SSHUser, KeyID: "a@example.com", Principals: []string{"a"}, ValidBefore: later},
		&api.SSHSignRequest{PublicKey: []byte("key"), Token: "a.b.c", IdentityCSR: api.CSRPEM{CertificateRequest: csr}, AddUserPublicKey: []byte("k")},
	} {
		data, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		if !body.ReadPlain(data) {
			f.Errorf("%s is not plain", data)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"csr":null,"ott":null,"notAfter":null,"templateData":{}}`))
	f.Add([]byte(`{"OTT":"a","ott":"b","reasonCode":1e2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, body := range []plainReader{new(api.SignRequest), new(api.RevokeRequest), new(api.SSHSignRequest)} {
			if !body.ReadPlain(data) {
				if !reflect.ValueOf(body).Elem().IsZero() {
					t.Fatalf("%q is not plain and left %+v", data, body)
				}
				continue
			}
			want := reflect.New(reflect.TypeOf(body).Elem()).Interface()
			if err := json.Unmarshal(data, want); err != nil || !reflect.DeepEqual(any(body), want) {
				t.Fatalf("%q is read as %+v, by encoding/json as %+v, %v", data, body, want, err)
			}
		}
	})
}

type plainReader interface{ ReadPlain([]byte) bool }
