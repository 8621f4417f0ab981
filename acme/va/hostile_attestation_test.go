package va

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"stepca/acme"
)

// TestHostileAttestations sends statements that are large, nested, garbled, or cost
// time to verify.
func TestHostileAttestations(t *testing.T) {
	t.Parallel()
	v, key := newVendor(t), ecKey(t, elliptic.P256())
	n := new(big.Int).Lsh(big.NewInt(1), 300_000)
	huge := &rsa.PublicKey{N: n.Sub(n, big.NewInt(1)), E: 1<<31 - 1}
	intermediate := &x509.Certificate{SerialNumber: big.NewInt(2), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	heavy, err := x509.CreateCertificate(rand.Reader, intermediate, intermediate, huge, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := v.leaf(key.Public()).Raw
	statement := func(format string, m map[string]any) []byte {
		return encodeCBOR(t, map[string]any{"fmt": format, "attStmt": m})
	}
	many := make([]any, 60)
	for i := range many {
		many[i] = leaf
	}
	nested := append(bytes.Repeat([]byte{0x81}, 1000), 0x01)
	for name, object := range map[string][]byte{
		"a huge key in the chain":      statement(FormatStep, map[string]any{"x5c": []any{leaf, heavy}, "sig": []byte("x"), "alg": -7}),
		"a huge key attested":          statement(FormatTPM, map[string]any{"ver": "2.0", "x5c": []any{heavy}, "alg": -257, "sig": []byte("x"), "certInfo": []byte("x"), "pubArea": []byte("x")}),
		"a huge key of a phone":        statement(FormatAndroidKey, map[string]any{"x5c": []any{leaf, heavy}, "alg": -7, "sig": []byte("x")}),
		"sixty certificates":           statement(FormatStep, map[string]any{"x5c": many, "sig": []byte("x"), "alg": -7}),
		"no certificates":              statement(FormatApple, map[string]any{"x5c": []any{}}),
		"certificates of text":         statement(FormatApple, map[string]any{"x5c": []any{"x"}}),
		"a chain that is no list":      statement(FormatApple, map[string]any{"x5c": 7}),
		"an unknown format":            statement("packed", map[string]any{}),
		"a format of many octets":      statement(string(bytes.Repeat([]byte("x"), 50_000)), map[string]any{}),
		"no statement":                 encodeCBOR(t, map[string]any{"fmt": FormatStep}),
		"nested arrays":                nested,
		"nested in the statement":      append([]byte("\xa2\x63fmt\x64step\x67attStmt"), nested...),
		"an array of exabytes":         {0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a text of exabytes":           {0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a map of exabytes":            {0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an indefinite length":         {0xbf, 0xff},
		"a member twice":               []byte("\xa2\x63fmt\x64step\x63fmt\x63tpm"),
		"text that is not UTF-8":       []byte("\xa1\x63fmt\x62\xff\xfe"),
		"nothing after its beginning":  {0xa2},
		"another object after the one": append(statement(FormatStep, map[string]any{}), 0xa0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := v.validation("x", []byte(`{"attObj":"`+base64.RawURLEncoding.EncodeToString(object)+`"}`))
			none := func(context.Context) ([]byte, error) { return []byte(`{"entries":{}}`), nil }
			err := bounded(t, New(Config{AndroidStatus: none, Timeout: patience}), req)
			p, ok := err.(*acme.Problem)
			if !ok || p.Temporary || !p.HasType(acme.ProblemBadAttestationStatement) && !p.HasType(acme.ProblemMalformed) {
				t.Errorf("err = %v, want a problem that stays", err)
			}
			if strings.HasPrefix(name, "a huge key") && (!ok || !strings.Contains(p.Detail, "RSA key of more than 16384 bits")) {
				t.Errorf("err = %v, want the key refused unused", err)
			}
		})
	}
}
