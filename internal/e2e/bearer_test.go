//go:build unix

package e2e

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/jose"
)

// renewToken returns the token with which a certificate is renewed without mTLS.
func renewToken(t *testing.T, ca *catest.CA, crt *tls.Certificate) string {
	t.Helper()
	chain := make([]string, len(crt.Certificate))
	for i, der := range crt.Certificate {
		chain[i] = base64.StdEncoding.EncodeToString(der)
	}
	now := time.Now()
	claims := map[string]any{
		"iss": "step-ca-client/1.0", "sub": crt.Leaf.Subject.CommonName, "aud": ca.URL + "/renew", "jti": rand.Text(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	token, err := jose.SignClaims(claims, &jose.JWK{Key: crt.PrivateKey, Algorithm: "ES256"}, jose.SignOptions{
		Type: "JWT", Header: map[string]any{"x5cInsecure": chain},
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// bearer renews with a token.
func bearer(t *testing.T, ca *catest.CA, token string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, ca.URL+"/renew", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := ca.HTTP(nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("renewal by token: %d", resp.StatusCode)
	}
}
