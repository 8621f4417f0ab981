package catest

import (
	"cmp"
	"crypto/rand"
	"time"

	"stepca/jose"
)

// Token returns a one-time token of the provisioner "admin" for /sign; extra
// claims replace the usual ones.
func (c *CA) Token(subject string, sans []string, extra map[string]any) string {
	c.t.Helper()
	return c.tokenFor("/1.0/sign", subject, sans, extra)
}

// RevokeToken returns a token to revoke a serial number (decimal).
func (c *CA) RevokeToken(serial string) string {
	c.t.Helper()
	return c.tokenFor("/1.0/revoke", serial, nil, nil)
}

func (c *CA) tokenFor(path, subject string, sans []string, extra map[string]any) string {
	c.t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": cmp.Or(c.provisioner, "admin"), "aud": c.URL + path, "sub": subject, "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "sha": c.Fingerprint,
	}
	if sans != nil {
		claims["sans"] = sans
	}
	for k, v := range extra {
		claims[k] = v
	}
	token, err := jose.SignClaims(claims, c.Key, jose.SignOptions{Type: "JWT", KeyID: c.Key.KeyID})
	if err != nil {
		c.t.Fatal(err)
	}
	return token
}
