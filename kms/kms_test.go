package kms

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	u, err := ParseURI("PKCS11:id=7331;object=my%20key;empty=;token=a+b?pin-value=1234&id=query&module-path=/a%3Bb")
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "pkcs11" || u.Opaque != "id=7331;object=my%20key;empty=;token=a+b" {
		t.Errorf("scheme %q, opaque %q", u.Scheme, u.Opaque)
	}
	for name, want := range map[string]string{
		"id": "7331", "object": "my key", "empty": "", "token": "a+b", "pin-value": "1234", "module-path": "/a;b", "none": "",
	} {
		if got := u.Get(name); got != want {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
		if got := u.Has(name); got != (name != "none") {
			t.Errorf("Has(%q) = %t", name, got)
		}
	}
	if s := u.String(); strings.Contains(s, "1234") || !strings.HasPrefix(s, "PKCS11:id=7331;object=my%20key") {
		t.Errorf("String() = %q", s)
	}
	for text, want := range map[string]string{
		"":                       "error parsing : scheme is missing",
		"/etc/key":               "error parsing /etc/key: scheme is missing",
		":x":                     "error parsing :x: scheme is missing",
		"pkcs11:pin-value=1234%": "error parsing pkcs11:pin-value=[redacted]: the value of attribute \"pin-value\" is not percent-encoded",
	} {
		if _, err := ParseURI(text); err == nil || err.Error() != want {
			t.Errorf("ParseURI(%q): %v, want %s", text, err, want)
		}
	}
}

func TestURIBytes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]byte{
		"7331": {0x73, 0x31}, "0xAB:cd": {0xab, 0xcd}, "123": {0x01, 0x23}, "": {}, "xyz": nil,
	} {
		u, err := ParseURI("x:id=" + value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := u.Bytes("id")
		if !bytes.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("id=%s: %x, %v, want %x", value, got, err, want)
		}
	}
}

func TestURIPIN(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(file, []byte("from file \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(prompt string) ([]byte, error) { return []byte("asked: " + prompt), nil }
	for text, want := range map[string]string{
		"x:a=b":                                "",
		"x:?pin-value=12%3334":                 "12334",
		"x:pin-value=1;pin-source=" + file:     "1",
		"x:?pin-source=" + file:                "from file",
		"x:?pin-source=file:" + file:           "from file",
		"x:?pin-source=file://" + file:         "from file",
		"x:?pin-prompt=Which%20PIN":            "asked: Which PIN",
		"x:slot=9c?pin-prompt":                 "asked: Please enter the PIN of x:slot=9c?pin-prompt",
		"x:?pin-value=":                        "",
		"x:slot=9c?pin-prompt=":                "asked: Please enter the PIN of x:slot=9c?pin-prompt=",
		"x:?pin-source=" + file + "&pin-value": "from file",
	} {
		u, err := ParseURI(text)
		if err != nil {
			t.Fatal(err)
		}
		pin, err := u.PIN(ask)
		if err != nil || string(pin.Reveal()) != want || pin.IsZero() != (want == "") {
			t.Errorf("PIN of %s = %q, %v, want %q", text, pin.Reveal(), err, want)
		}
	}
	u, _ := ParseURI("x:?pin-prompt=a")
	if _, err := u.PIN(nil); err == nil {
		t.Error("a PIN without anybody to ask")
	}
}

func TestRegistryOpen(t *testing.T) {
	t.Parallel()
	var opened []string
	open := func(_ context.Context, c Config) (Engine, error) {
		opened = append(opened, c.Type)
		return nil, nil
	}
	registry := Registry{Soft: open, AWS: open}
	tests := []struct {
		config Config
		want   string // type, or
		err    string // part of the error
	}{
		{Config{}, Soft, ""},
		{Config{Type: "SoftKMS"}, Soft, ""},
		{Config{URI: "softkms:"}, Soft, ""},
		{Config{URI: "aws:region=x"}, AWS, ""},
		{Config{Type: "awskms", URI: "aws:region=x"}, AWS, ""},
		{Config{Type: "capi"}, "", "kms type 'capi' is not supported by this build, which has awskms, softkms"},
		{Config{URI: "yubikey:?pin-value=1234"}, "", "kms type 'yubikey' is not supported"},
		{Config{Type: "foo"}, "", "unsupported kms type foo"},
		{Config{URI: "foo:bar"}, "", "unsupported kms type foo"},
		{Config{Type: "pkcs11", URI: "softkms:"}, "", "error parsing softkms:: scheme not expected"},
		{Config{Type: "pkcs11", URI: "/lib/module.so"}, "", "error parsing /lib/module.so: scheme is missing"},
	}
	for _, test := range tests {
		opened = nil
		_, err := registry.Open(t.Context(), test.config)
		switch {
		case test.err == "" && (err != nil || len(opened) != 1 || opened[0] != test.want):
			t.Errorf("%+v: opened %v, %v, want %s", test.config, opened, err, test.want)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || opened != nil):
			t.Errorf("%+v: %v, want %s", test.config, err, test.err)
		}
	}
	if _, err := registry.Open(t.Context(), Config{Type: TPM}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("an engine that is not there: %v, want ErrUnsupported", err)
	}
}

func TestIsURI(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"softkms:x": true, "PKCS11:id=1": true, "aws:key-id=1": true, "kms:name=x": true,
		"ca.key": false, `C:\ca.key`: false, "https://ca": false, "odd:name": false, "": false, "softkms": false,
	} {
		if got := IsURI(name); got != want {
			t.Errorf("IsURI(%q) = %t, want %t", name, got, want)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{"", ":", "pkcs11:id=7331;object=k?pin-value=1234", "softkms:/x", "a:%", "x:id=0x:1:2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		u.Bytes("id")
		u.Bool("hw")
		if pin := u.Get("pin-value"); len(pin) > 8 && strings.Contains(u.String(), pin) && strings.Count(s, pin) == 1 {
			t.Errorf("String() of %q shows the PIN: %s", s, u)
		}
	})
}
