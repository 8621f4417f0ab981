package jose

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestReadFlattened(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		ok         bool
	}{
		{"as clients send it", `{"protected":"e30","payload":"","signature":"_-09"}`, true},
		{"another order and white space", " {\n\t\"signature\" : \"AA\" ,\r\"payload\":\"AA\",\"protected\":\"AA\"} \n", true},
		{"a member twice", `{"protected":"AA","payload":"AA","signature":"AA","payload":"AB"}`, false},
		{"an unknown member", `{"protected":"AA","payload":"AA","signature":"AA","header":"AA"}`, false},
		{"one missing", `{"protected":"AA","payload":"AA"}`, false},
		{"an escape", `{"protected":"AA","payload":"\u0041A","signature":"AA"}`, false},
		{"something behind it", `{"protected":"AA","payload":"","signature":"AA"}{}`, false},
		{"a comma too many", `{"protected":"AA","payload":"","signature":"AA",}`, false},
		{"another type", `{"protected":"AA","payload":null,"signature":"AA"}`, false},
		{"no object", `["protected"]`, false},
		{"cut off", `{"protected":"AA","payload":"","signature":"A`, false},
		{"nothing", ``, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, ok := readFlattened([]byte(test.data)); ok != test.ok {
				t.Errorf("read: %v, want %v", ok, test.ok)
			}
		})
	}
}

// FuzzFlattened claims that the decoder understands all that is read, in the same
// way.
func FuzzFlattened(f *testing.F) {
	jws, err := Sign([]byte(`{"sub":"a"}`), keys()[ES256], SignOptions{KeyID: "k"})
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(jws)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(body))
	f.Add(strings.Replace(string(body), ",", " ,\n", 2))
	f.Add(`{"payload":"","protected":"e30","signature":""}`)
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := readFlattened([]byte(s)); !ok {
			return
		}
		read, err := ParseJSON([]byte(s))
		decoded, err2 := decodeJWS([]byte(s))
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(read, decoded) {
			t.Fatalf("%q is read as %+v (%v) and decoded as %+v (%v)", s, read, err, decoded, err2)
		}
	})
}
