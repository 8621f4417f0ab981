package config_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/config"
	"stepca/keyfile"
)

// The file is what the reference writes, byte for byte.
func TestEncodeReference(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/init-ssh.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("Encode(Parse(file)) differs (-file +encoded):\n%s", d)
	}
}

func TestEncodeKeepsUnknown(t *testing.T) {
	t.Parallel()
	const file = `{"ROOT": ["a.crt", "b.crt"], "x-top": {"b": 1.50, "a": [null]}, "password": "p<w>",
		"kms": {"type": "yubikey", "pin": "123456", "slot": 7},
		"issuers": [{"name": "one", "crt": "1", "key": "1", "note": "first"}, {"name": "two", "crt": "2", "key": "2"}],
		"authority": {"x-auth": true, "provisioners": [
			{"claims": {"x": 1}, "extra": "e", "name": "n", "encryptedKey": "k", "key": {}, "type": "jwk"},
			{"type": "Martian", "name": "m", "options": {"deep": {"er": 0}}}]}}`
	c, err := config.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	c.Issuers = c.Issuers[:1]
	c.Address = ":443"
	got, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"root":["a.crt","b.crt"],"federatedRoots":null,"crt":"","key":"","address":":443","insecureAddress":"","dnsNames":null,` +
		`"issuers":[{"name":"one","crt":"1","key":"1","note":"first"}],"kms":{"type":"yubikey","pin":"123456","slot":7},` +
		`"authority":{"provisioners":[{"type":"jwk","name":"n","key":{},"encryptedKey":"k","extra":"e","claims":{"x":1}},` +
		`{"type":"Martian","name":"m","options":{"deep":{"er":0}}}],"x-auth":true},"password":"p<w>","x-top":{"b":1.50,"a":[null]}}`
	if d := cmp.Diff(want, compact(t, got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "config", "ca.json")
	c := &config.Config{Address: ":443"}
	if err := c.Save(name); err != nil {
		t.Fatal(err)
	}
	back, err := config.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if back.Address != c.Address || back.File() != name {
		t.Errorf("Load gives address %q, file %q", back.Address, back.File())
	}
	back.Password = keyfile.NewSecret([]byte("s3cret"))
	for _, want := range []fs.FileMode{0o644, 0o640} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want && runtime.GOOS != "windows" {
			t.Errorf("mode is %v (%v), want %v", info.Mode(), err, want)
		}
		if err := back.Save(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct{ name, file, want string }{
		{"trailing comma", "{\n\"a\": 1,\n}", "error parsing FILE: invalid character '}' looking for beginning of object key string (line 3)"},
		{"empty", "", "error parsing FILE: unexpected EOF: the file ends in the middle (line 1)"},
		{"number for a string", "{\"crt\":\n5}", "error parsing FILE: crt: a number stands where a string belongs (line 2)"},
		{"duration without unit", `{"authority":{"backdate":"1d"}}`, `error parsing FILE: authority.backdate: error parsing 1d as duration: time: unknown unit "d" in duration "1d"`},
		{"duration as number", `{"crl":{"cacheDuration":5}}`, "error parsing FILE: crl.cacheDuration: error unmarshaling 5: json: cannot unmarshal number into Go value of type string"},
		{"provisioner is no object", `{"authority":{"provisioners":[7]}}`, "error parsing FILE: error unmarshaling provisioner: authority.provisioners[0]: it is not an object with the strings type and name"},
		{"lost password", `{"password":"[redacted]"}`, `error parsing FILE: password: the value is "[redacted]": what was meant to be stored is lost; put the secret here again`},
		{"number for names", "{\n\"root\": \"x\",\n\"dnsNames\": 5}", "error parsing FILE: dnsNames: a number stands where a list belongs"},
		{"one of a list", `{"issuers":[{"name":"a"},{"name":"b","state":["active"]}]}`, "error parsing FILE: issuers[1].state: a list stands where a string belongs (line 1)"},
		{"half a file", "{\n\"crt\": \"x\",\n", "error parsing FILE: unexpected EOF: the file ends in the middle (line 3)"},
		{"deep", strings.Repeat(`{"a":`, 100), "error parsing FILE: nested deeper than 64 levels"},
	} {
		name := filepath.Join(dir, tt.name)
		if err := os.WriteFile(name, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(name)
		if err == nil || strings.ReplaceAll(err.Error(), name, "FILE") != tt.want {
			t.Errorf("%s: Load gives error %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestParseForms(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte("\xef\xbb\xbf" + `{"federatedRoots": "f.crt", "DNSnames": "ca.example, [::1] 10.0.0.1", "Root": "r.crt"} garbage`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config.Strings{"f.crt"}, c.FederatedRoots); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ca.example", "::1", "10.0.0.1"}, c.ServerNames()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(config.Roots{"r.crt"}, c.Root); d != "" {
		t.Error(d)
	}
}
