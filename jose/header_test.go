package jose

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHeaderMembers(t *testing.T) {
	t.Parallel()
	key := keys()[ES256]
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	chain := EncodeChain([]*x509.Certificate{leaf, leaf})
	jws, err := Sign([]byte("{}"), key, SignOptions{KeyID: "k", Type: "JWT", Header: map[string]any{
		"x5c": chain, "x5cInsecure": chain[:1], "sshpop": "AAAA", "nebula": "BBBB", "nonce": "n", "url": "https://ca/x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseCompact(jws.Compact())
	if err != nil {
		t.Fatal(err)
	}
	h := parsed.Header
	got := []string{h.Algorithm, h.KeyID, h.Type, h.SSHPOP, h.Nebula, h.Nonce, h.URL}
	if want := []string{ES256, "k", "JWT", "AAAA", "BBBB", "n", "https://ca/x"}; !slices.Equal(got, want) {
		t.Errorf("header %q, want %q", got, want)
	}
	if certs, err := h.Certificates(); err != nil || len(certs) != 2 || !certs[0].Equal(leaf) {
		t.Errorf("Certificates: %d, %v", len(certs), err)
	}
	if certs, err := h.InsecureCertificates(); err != nil || len(certs) != 1 || !certs[0].Equal(leaf) {
		t.Errorf("InsecureCertificates: %d, %v", len(certs), err)
	}
	var members map[string]any
	if err := json.Unmarshal(parsed.RawHeader(), &members); err != nil || len(members) != 9 {
		t.Errorf("RawHeader: %v, %v", members, err)
	}

	for name, h := range map[string]Header{
		"too many":       {X5C: make([]string, MaxChain+1)},
		"not base64":     {X5C: []string{"!"}},
		"not DER":        {X5C: []string{"AAAA"}},
		"base64url":      {X5C: []string{strings.ReplaceAll(chain[0], "/", "_") + "_"}},
		"one of several": {X5C: append(chain[:1:1], "AAAA")},
	} {
		if certs, err := h.Certificates(); err == nil {
			t.Errorf("%s: %d certificates", name, len(certs))
		}
	}
	if certs, err := new(Header).Certificates(); err != nil || len(certs) != 0 {
		t.Errorf("no x5c: %d certificates, %v", len(certs), err)
	}
}

// An ACME request that makes an account, as RFC 8555 §7.3 shows it.
func TestACMERequest(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{ES256, RS256, EdDSA} {
		key := keys()[alg]
		jws, err := Sign(nil, key, SignOptions{Header: map[string]any{
			"jwk": JWK{Key: key.Public()}, "nonce": "n", "url": "https://ca/acme/new-account",
		}})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(jws)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseJSON(body)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Header.JWK == nil || parsed.Header.KeyID != "" || parsed.HasUnprotectedHeader {
			t.Fatalf("%s: header %+v", alg, parsed.Header)
		}
		if payload, err := parsed.Verify(parsed.Header.JWK); err != nil || len(payload) != 0 {
			t.Errorf("%s: %q, %v", alg, payload, err)
		}
		want, _ := Thumbprint(key)
		if got, err := Thumbprint(parsed.Header.JWK); err != nil || got != want {
			t.Errorf("%s: thumbprint %q, %v, want %q", alg, got, err, want)
		}
	}
}

func TestHeaderBound(t *testing.T) {
	t.Parallel()
	header := `{"alg":"ES256","kid":"` + strings.Repeat("k", MaxHeaderSize) + `"}`
	if _, err := ParseCompact(encoding.EncodeToString([]byte(header)) + ".e30.AA"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a header beyond the bound: %v", err)
	}
	deep := `{"alg":"ES256","x":` + strings.Repeat("[", MaxHeaderSize/2) + `}`
	if _, err := ParseCompact(encoding.EncodeToString([]byte(deep)) + ".e30.AA"); err == nil {
		t.Error("a header of brackets: accepted")
	}
}

func TestSignJWK(t *testing.T) {
	t.Parallel()
	jwk, err := NewJWK(keys()[RS256], JWKParams{Algorithm: PS256, KeyID: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		opts               SignOptions
		wantAlg, wantKeyID string
	}{
		{SignOptions{}, PS256, "mine"},
		{SignOptions{Algorithm: RS512, KeyID: "other"}, RS512, "other"},
		{SignOptions{OmitKeyID: true}, PS256, ""},
	} {
		token, err := SignClaims(Claims{Subject: "a"}, jwk, test.opts)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := ParseCompact(token)
		if err != nil {
			t.Fatal(err)
		}
		if h := jws.Header; h.Algorithm != test.wantAlg || h.KeyID != test.wantKeyID || h.Type != "JWT" {
			t.Errorf("%+v: header %+v", test.opts, h)
		}
	}
	for name, key := range map[string]any{"public": keys()[ES256].Public(), "secret": []byte("x"), "nothing": nil} {
		if _, err := Sign(nil, key, SignOptions{}); err == nil {
			t.Errorf("signed with a key that is %s", name)
		}
	}
}

// FuzzReadHeader compares both readers of headers.
func FuzzReadHeader(f *testing.F) {
	f.Add([]byte(`{"alg":"ES256","kid":"k","typ":"JWT"}`))
	f.Add([]byte(`{"alg":"ES256","kid":"https:\/\/ca.example\/acme\/acme\/account\/1","nonce":"n","url":"https://ca.example/acme/acme/new-order"}`))
	f.Add([]byte(`{"alg":null,"Kid":"k","kid":"","typ":"a\n"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := readHeader(data)
		if got == nil {
			return
		}
		var want Header
		if err := Unmarshal(data, &want); err != nil || !reflect.DeepEqual(*got, want) {
			t.Fatalf("%q is read as %+v, by Unmarshal as %+v, %v", data, *got, want, err)
		}
	})
}
