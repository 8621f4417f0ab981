package provisioner

import (
	"encoding/base64"
	"reflect"
	"testing"

	"stepca/jose"
)

// FuzzReadClaims compares both readers of claims.
func FuzzReadClaims(f *testing.F) {
	plain := [][]byte{
		[]byte(`{"iss":"admin","aud":"https://ca.example.com/1.0/sign","sub":"a","jti":"x","sha":"00","iat":1700000000,"nbf":1700000000,"exp":1700000300,"sans":["a","b"]}`),
		[]byte(`{"aud":["a","b"],"step":{"ssh":{"certType":"user","keyID":"k","principals":null,"validAfter":"","validBefore":"5m"}},"email":"a@b","azp":"c","tid":"d"}`),
	}
	for _, payload := range plain {
		if readClaims(payload) == nil {
			f.Errorf("%s is not plain", payload)
		}
		f.Add(payload)
	}
	f.Add([]byte(`{"aud":null,"exp":1.5,"cnf":{"x5rt#S256":"x"},"step":{"ra":{}},"sans":null}`))
	f.Add([]byte(`{"step":{"ssh":{"validAfter":"x"},"SSH":{}},"Iss":"a","EXP":1}`))
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := readClaims(payload)
		if got == nil {
			return
		}
		jws, err := jose.ParseCompact(header + "." + base64.RawURLEncoding.EncodeToString(payload) + ".")
		if err != nil {
			t.Fatal(err)
		}
		var want claims
		if err := jws.UnverifiedClaims(&want); err != nil {
			t.Fatalf("%q is read, and UnverifiedClaims says %v", payload, err)
		}
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("%q is read as %+v, by UnverifiedClaims as %+v", payload, *got, want)
		}
	})
}
