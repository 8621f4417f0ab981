package jsonobject

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestObject(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(`{"type":"ACME","z":[1, 2],"Claims":{"b":1},"n":null}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{
		o.Set("claims.a", "x"),
		o.Set("options.x509.template", "<t>"),
		o.Set("n.m", true),
		o.Remove("z"),
		o.Remove("claims.b"),
		o.Remove("nothing.at.all"),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	got, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"type":"ACME","Claims":{"a":"x"},"n":{"m":true},"options":{"x509":{"template":"\u003ct\u003e"}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := o.Set("type.inner", 1); err == nil {
		t.Error("a member of a string was set")
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"type":"JWK","claims":{"enableSSHCA":true},"x":[{}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Parse(data)
		if err != nil {
			return
		}
		once, err := o.MarshalJSON()
		if err != nil || !json.Valid(once) {
			t.Fatalf("%q was parsed and is written as %q, %v", data, once, err)
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, _ := again.MarshalJSON(); !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}
