package apiserver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/issue"
)

// What is put together by hand is what encoding/json would write.
func TestSignResponse(t *testing.T) {
	t.Parallel()
	crt := func(length int) *x509.Certificate {
		return &x509.Certificate{Raw: bytes.Repeat([]byte{0xfb, 0xff, 0x3e}, length)[:length]}
	}
	issuer := crt(500)
	options := &api.TLSOptions{CipherSuites: []string{"TLS_AES_128_GCM_SHA256", "<&>"}, MinVersion: 1.2, MaxVersion: 1.3}
	for name, tt := range map[string]struct {
		chain   []*x509.Certificate
		options *api.TLSOptions
	}{
		"leaf only":               {[]*x509.Certificate{crt(48)}, options},
		"known issuer":            {[]*x509.Certificate{crt(97), issuer}, options},
		"issuer from elsewhere":   {[]*x509.Certificate{crt(95), crt(96), crt(1)}, options},
		"no options":              {[]*x509.Certificate{crt(700), issuer}, nil},
		"certificate of no octet": {[]*x509.Certificate{crt(0)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := api.SignResponse{CertChain: api.CertPEMs(tt.chain), TLSOptions: tt.options}
			resp.Certificate = resp.CertChain[0]
			if len(tt.chain) > 1 {
				resp.Issuer = resp.CertChain[1]
			}
			var want strings.Builder
			if err := json.NewEncoder(&want).Encode(resp); err != nil {
				t.Fatal(err)
			}
			if got := encode([]*x509.Certificate{issuer}, tt.options).signResponse(tt.chain); string(got) != want.String() {
				t.Errorf("signResponse = %s\nwant %s", got, want.String())
			}
		})
	}
}

func TestSSHSignResponse(t *testing.T) {
	t.Parallel()
	crt := func(id string) *ssh.Certificate {
		key, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
		if err != nil {
			t.Fatal(err)
		}
		return &ssh.Certificate{Key: key, KeyId: id, SignatureKey: key, Signature: &ssh.Signature{Format: key.Type(), Blob: []byte(id)}}
	}
	user, add := crt("user"), crt("add\xff\xff?>")
	identity := &ca.Certificate{Chain: []*x509.Certificate{{Raw: []byte("leaf")}, {Raw: []byte("issuer")}}}
	for name, certs := range map[string]*issue.SSHCertificates{
		"certificate only": {Certificate: user},
		"add user":         {Certificate: user, AddUser: add},
		"identity":         {Certificate: user, Identity: identity},
		"all":              {Certificate: add, AddUser: user, Identity: identity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := api.SSHSignResponse{Certificate: api.SSHCertificate{Certificate: certs.Certificate}}
			certs.Wire = certs.Certificate.Marshal()
			if certs.AddUser != nil {
				resp.AddUserCertificate = &api.SSHCertificate{Certificate: certs.AddUser}
				certs.AddUserWire = certs.AddUser.Marshal()
			}
			if certs.Identity != nil {
				resp.IdentityCertificate = api.CertPEMs(certs.Identity.Chain)
			}
			var want strings.Builder
			if err := json.NewEncoder(&want).Encode(resp); err != nil {
				t.Fatal(err)
			}
			if got := sshSignResponse(certs); string(got) != want.String() {
				t.Errorf("sshSignResponse = %s\nwant %s", got, want.String())
			}
		})
	}
}
