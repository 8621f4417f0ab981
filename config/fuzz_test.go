package config_test

import (
	"bytes"
	"os"
	"testing"

	"stepca/config"
)

// Whatever the file is, it is refused or it can be checked, and what is written
// reads back as the same.
func FuzzParseConfig(f *testing.F) {
	reference, err := os.ReadFile("testdata/init-ssh.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reference)
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"root":["a","b"],"ROOT":"c"}`, `{"password":"p","kms":{"pin":"1"}} x`,
		`{"authority":{"provisioners":[{"type":"ACME","name":"a"},{"type":"X","name":"x","y":{"z":[1.50]}}]}}`,
		`{"tls":{"minVersion":1.25},"crl":{"cacheDuration":"1h"},"dnsNames":"a, b","issuers":[{"name":"i","q":1}]}`,
		`{"authority":{"policy":{"x509":{"allow":{"dns":["*.x"]}}},"claims":{"maxTLSCertDuration":"1h"},"template":"cn","backdate":"0"}}`,
		`{"templates":{"data":{"a":"<b>"},"ssh":{"user":null}},"ssh":{"keys":[{"key":null}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if err != nil {
			return
		}
		c.Check()
		first, err := c.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		again, err := config.Parse(first)
		if err != nil {
			t.Fatalf("what was written does not parse: %v\n%s", err, first)
		}
		second, err := again.Encode()
		if err != nil {
			t.Fatalf("Encode again: %v", err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("written first\n%s\nand then\n%s", first, second)
		}
	})
}
