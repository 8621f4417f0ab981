package server_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	"stepca/internal/catest"
)

// hugeCSR is all key: a modulus of so many bits, and a signature by nobody.
func hugeCSR(t *testing.T, bits uint) []byte {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), bits)
	spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 1<<31 - 1})
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := asn1.Marshal(struct {
		Version    int
		Subject    pkix.RDNSequence
		PublicKey  asn1.RawValue
		Attributes asn1.RawValue
	}{0, nil, asn1.RawValue{FullBytes: spki}, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, pkix.AlgorithmIdentifier{
		Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.RawValue{Tag: asn1.TagNull}, // sha256WithRSAEncryption
	}, asn1.BitString{Bytes: make([]byte, bits/8), BitLength: int(bits)}})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// TestHugeKeysAreRefusedAtOnce sends what anybody can send: one verification with the
// key would take a processor for a minute.
func TestHugeKeysAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	request := string(hugeCSR(t, 1_500_000))
	for path, body := range map[string]map[string]any{
		"/1.0/sign":     {"csr": request, "ott": "x"},
		"/1.0/ssh/sign": {"identityCSR": request, "ott": "x", "publicKey": "AAAA", "certType": "user"},
	} {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		resp, err := c.HTTP(nil).Post(c.URL+path, "application/json", bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if took := time.Since(start); resp.StatusCode != http.StatusBadRequest || took > 30*time.Second {
			t.Errorf("POST %s: %d after %v, want 400 at once", path, resp.StatusCode, took)
		}
	}
}
