package provisioner

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/jose"
)

// FuzzSSHPOP presents certificates of every form, in tokens that the right key
// signed: none but the one that the CA issued is renewed.
func FuzzSSHPOP(f *testing.F) {
	fix := newFixture(f, "")
	genuine := fix.sshCertificate(ssh.HostCert)
	wire := genuine.Marshal()
	f.Add(wire)
	f.Add(fix.sshCertificate(ssh.UserCert).Marshal())
	f.Add(genuine.Key.Marshal())
	f.Add(wire[:len(wire)-1])
	f.Add(bytes.Replace(wire, []byte("host.test"), []byte("evil.test"), 1))
	f.Fuzz(func(t *testing.T, wire []byte) {
		token, err := jose.SignClaims(fix.sshpopClaims("renew"), fix.sshKey, jose.SignOptions{
			Header: map[string]any{"sshpop": base64.StdEncoding.EncodeToString(wire)},
		})
		if err != nil {
			t.Fatal(err)
		}
		grant, err := fix.SSHRenew(context.Background(), &ca.SSHRequest{Token: token}, records{})
		if err != nil {
			return
		}
		got := grant.SSH.Renew
		if got.KeyId != genuine.KeyId || got.Serial != genuine.Serial || got.CertType != ssh.HostCert || !slices.Equal(got.ValidPrincipals, genuine.ValidPrincipals) ||
			got.ValidAfter != genuine.ValidAfter || got.ValidBefore != genuine.ValidBefore || !bytes.Equal(got.Key.Marshal(), genuine.Key.Marshal()) {
			t.Errorf("a certificate that nobody issued is renewed: %+v", got)
		}
	})
}
