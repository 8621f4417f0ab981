package plainjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"stepca/plainjson"
)

// A message has a member of each kind.
type message struct {
	Text  string   `json:"text"`
	Bytes []byte   `json:"bytes"`
	List  []string `json:"list"`
	Int   int64    `json:"int"`
	Bool  bool     `json:"bool"`
	Inner *message `json:"inner"`
}

func (m *message) read(r *plainjson.Reader) {
	for name := range r.Members() {
		switch string(name) {
		case "text":
			m.Text = r.String()
		case "bytes":
			m.Bytes = r.Bytes()
		case "list":
			m.List = r.Strings()
		case "int":
			m.Int = r.Int()
		case "bool":
			m.Bool = r.Bool()
		case "inner":
			m.Inner = new(message)
			m.Inner.read(r)
		default:
			for _, known := range []string{"text", "bytes", "list", "int", "bool", "inner"} {
				if strings.EqualFold(string(name), known) {
					r.Fail() // encoding/json would take it
				}
			}
			r.Skip()
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, json string
		plain      bool
	}{
		{"empty object", `{}`, true},
		{"every kind", `{"text":"a","bytes":"YWJj","list":["x","y"],"int":-12345678901,"bool":true,"inner":{"text":"b"}}`, true},
		{"white space", " \t\r\n{ \"text\" : \"a\" , \"list\" : [ \"x\" , \"y\" ] , \"int\" : 1 } \n", true},
		{"null", `{"text":null,"bytes":null,"list":null}`, true},
		{"usual escapes", `{"text":"a\n\"\\\/\b\f\r\t"}`, true},
		{"unknown members", `{"a":{"b":[1,"x",null,true,false,{}],"c":[]},"d":"e"}`, true},
		{"empty values", `{"text":"","bytes":"","list":[]}`, true},
		{"unicode escape", `{"text":"\u0061"}`, false},
		{"beyond ASCII", `{"text":"é"}`, false},
		{"control character", "{\"text\":\"\x01\"}", false},
		{"unknown escape", `{"text":"\x"}`, false},
		{"escape at the end", `{"text":"\`, false},
		{"escape before the end", `{"text":"a\"}`, false},
		{"name twice", `{"text":"a","text":"b"}`, false},
		{"unknown name twice", `{"a":"a","a":"b"}`, false},
		{"escape in a name", `{"t\/ext":"a"}`, false},
		{"name in another case", `{"Text":"a"}`, false},
		{"fraction", `{"int":1.5}`, false},
		{"exponent", `{"int":1e3}`, false},
		{"leading zero", `{"int":01}`, false},
		{"minus zero", `{"int":-0}`, false},
		{"minus alone", `{"int":-}`, false},
		{"long number", `{"int":123456789012}`, false},
		{"null for a number", `{"int":null}`, false},
		{"number for a text", `{"text":1}`, false},
		{"number for a Boolean", `{"bool":1}`, false},
		{"null in a list", `{"list":["a",null]}`, false},
		{"no base64", `{"bytes":"a"}`, false},
		{"base64 with an escape", `{"bytes":"YW\nJj"}`, false},
		{"longer word", `{"bool":truest}`, false},
		{"shorter word", `{"text":nul}`, false},
		{"comma at the end", `{"text":"a",}`, false},
		{"comma at the end of a list", `{"list":["a",]}`, false},
		{"no comma", `{"text":"a" "int":1}`, false},
		{"no colon", `{"text" "a"}`, false},
		{"not closed", `{"text":"a"`, false},
		{"closed wrongly", `{"list":["a"}}`, false},
		{"more behind it", `{} {}`, false},
		{"zero octet behind it", "{}\x00", false},
		{"no object", `["a"]`, false},
		{"nothing", ``, false},
		{"too deep", `{"a":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if plain := compare(t, []byte(tt.json)); plain != tt.plain {
				t.Errorf("read to the end: %v, want %v", plain, tt.plain)
			}
		})
	}
}

// compare reads data and reports whether it was plain. If so, encoding/json has
// to read the same.
func compare(t *testing.T, data []byte) bool {
	t.Helper()
	var got, want message
	r := plainjson.NewReader(data)
	got.read(r)
	if !r.Done() {
		return false
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%q is read, and encoding/json says %v", data, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is read as %+v, by encoding/json as %+v", data, got, want)
	}
	return true
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"text":"a\n","bytes":"YWJj","list":["x","y"],"int":-1,"bool":true,"inner":{"text":null}}`))
	f.Add([]byte(`{"a":{"b":[1,"x",null,true,false,{}],"c":[]},"int":0 , "bool" : false}`))
	f.Fuzz(func(t *testing.T, data []byte) { compare(t, data) })
}
