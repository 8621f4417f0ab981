package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"stepca/jose"
)

// An acmeClient speaks ACME (RFC 8555) over one connection, and sends nothing but
// what a flow needs.
type acmeClient struct {
	http    *http.Client
	p       *process
	key     *ecdsa.PrivateKey
	account string // URL; "" before there is one
	nonce   string // of the last answer
}

// What a flow reads of the server's objects.
type (
	acmeOrder struct {
		Authorizations []string
		Finalize       string
		Certificate    string
	}
	acmeAuthorization struct {
		Status     string
		Challenges []acmeChallenge
	}
	acmeChallenge struct{ Type, URL, Token string }
)

func (c *acmeClient) url(resource string) string { return c.p.url("/acme/acme/" + resource) }

// post sends a payload, "" for POST-as-GET, and decodes the answer unless to is nil.
func (c *acmeClient) post(ctx context.Context, url, payload string, to any) (http.Header, error) {
	if c.nonce == "" {
		if _, _, err := c.do(ctx, http.MethodHead, c.url("new-nonce"), nil); err != nil {
			return nil, err
		}
	}
	header := map[string]any{"url": url, "nonce": c.nonce}
	if c.account == "" {
		header["jwk"] = &jose.JWK{Key: c.key.Public()}
	} else {
		header["kid"] = c.account
	}
	jws, err := jose.Sign([]byte(payload), c.key, jose.SignOptions{OmitKeyID: true, Header: header})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(jws)
	if err != nil {
		return nil, err
	}
	answer, data, err := c.do(ctx, http.MethodPost, url, body)
	if err == nil && to != nil {
		err = json.Unmarshal(data, to)
	}
	return answer, err
}

func (c *acmeClient) do(ctx context.Context, method, url string, body []byte) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/jose+json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	c.nonce = resp.Header.Get("Replay-Nonce")
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, nil, fmt.Errorf("%s %s: %s %s", method, url, resp.Status, data)
	}
	return resp.Header, data, nil
}
