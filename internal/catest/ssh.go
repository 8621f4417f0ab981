package catest

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/jose"
)

// addSSH makes the keys of an SSH CA and configures it.
func (c *CA) addSSH(cfg map[string]any) {
	c.t.Helper()
	c.write("ssh_host_ca_key", c.keyPEM(c.newKey()))
	c.write("ssh_user_ca_key", c.keyPEM(c.newKey()))
	cfg["ssh"] = map[string]any{
		"hostKey": filepath.Join(c.Dir, "ssh_host_ca_key"),
		"userKey": filepath.Join(c.Dir, "ssh_user_ca_key"),
	}
	authority := cfg["authority"].(map[string]any)
	list := authority["provisioners"].([]any)
	list[0].(map[string]any)["claims"] = map[string]any{"enableSSHCA": true}
	authority["provisioners"] = append(list, map[string]any{"type": "SSHPOP", "name": "sshpop"})
}

// SSHToken returns a one-time token of the provisioner "admin" for /ssh/sign.
// options are the token's claim step.ssh; extra claims replace the usual ones.
func (c *CA) SSHToken(subject string, options, extra map[string]any) string {
	c.t.Helper()
	if options == nil {
		options = map[string]any{}
	}
	claims := map[string]any{"step": map[string]any{"ssh": options}}
	for k, v := range extra {
		claims[k] = v
	}
	return c.tokenFor("/1.0/ssh/sign", subject, nil, claims)
}

// SSHRevokeToken returns a token of the provisioner "admin" to revoke an SSH
// certificate.
func (c *CA) SSHRevokeToken(serial string) string {
	c.t.Helper()
	return c.tokenFor("/1.0/ssh/revoke", serial, nil, nil)
}

// SSHPOPToken returns a token for /ssh/renew, /ssh/rekey or /ssh/revoke (op is
// the last word), by which the holder of a certificate's key proves to have it.
func (c *CA) SSHPOPToken(op string, crt *ssh.Certificate, key crypto.Signer, subject string) string {
	c.t.Helper()
	now := time.Now()
	token, err := jose.SignClaims(map[string]any{
		"iss": "sshpop", "aud": c.URL + "/1.0/ssh/" + op + "#sshpop/sshpop", "sub": subject, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}, key, jose.SignOptions{Type: "JWT", Header: map[string]any{"sshpop": base64.StdEncoding.EncodeToString(crt.Marshal())}})
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}
