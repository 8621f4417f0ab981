package apiserver_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/apiserver"
	"stepca/issue"
	"stepca/jose"
	"stepca/kms"
	"stepca/kv/mem"
	"stepca/provisioner"
	"stepca/store"
)

// BenchmarkSSHSign measures POST /ssh/sign without the network, and says how many
// times its floor that is: the signature of the token to verify and that of the
// certificate to make.
func BenchmarkSSHSign(b *testing.B) {
	jwk, err := jose.GenerateJWK()
	if err != nil {
		b.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"type": "JWK", "name": "admin", "key": jwk.Public(), "claims": map[string]any{"enableSSHCA": true}})
	if err != nil {
		b.Fatal(err)
	}
	p, err := provisioner.Parse(config)
	if err != nil {
		b.Fatal(err)
	}
	provisioners, err := provisioner.NewCollection([]provisioner.Provisioner{p}, provisioner.Config{DNSNames: []string{"ca.example.com"}})
	if err != nil {
		b.Fatal(err)
	}
	caKey, _ := sshKeys(b)
	_, pub := sshKeys(b)
	issuer, err := issue.New(issue.Config{Store: store.New(mem.New(), store.Options{}), SSH: &issue.SSHAuthority{UserKey: kms.Local(caKey)}})
	if err != nil {
		b.Fatal(err)
	}
	server := apiserver.New(apiserver.Config{Issuer: issuer, Provisioners: provisioners})
	request := func() []byte {
		now := time.Now()
		token, err := jose.SignClaims(map[string]any{
			"iss": "admin", "aud": "https://ca.example.com/1.0/ssh/sign", "sub": "joe", "jti": rand.Text(),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(), "step": map[string]any{"ssh": map[string]any{}},
		}, jwk, jose.SignOptions{})
		if err != nil {
			b.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{"publicKey": pub.Marshal(), "ott": token})
		if err != nil {
			b.Fatal(err)
		}
		return body
	}

	signer, err := ssh.NewSignerFromSigner(caKey)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 500)
	signature, err := signer.Sign(rand.Reader, data)
	if err != nil {
		b.Fatal(err)
	}
	var floor, took time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := request()
		start := time.Now()
		if err := signer.PublicKey().Verify(data, signature); err != nil {
			b.Fatal(err)
		}
		if _, err := signer.Sign(rand.Reader, data); err != nil {
			b.Fatal(err)
		}
		floor += time.Since(start)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/1.0/ssh/sign", bytes.NewReader(body))
		b.StartTimer()
		start = time.Now()
		server.ServeHTTP(w, r)
		took += time.Since(start)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(took)/float64(floor), "×floor")
}
