package plainjson_test

import (
	"encoding/json"
	"testing"
	"time"

	"stepca/plainjson"
)

// TestStringsAreWrittenAsJSON writes each octet by itself and within a text.
func TestStringsAreWrittenAsJSON(t *testing.T) {
	t.Parallel()
	texts := []string{"", "plain", "\u2028", "ö", "日本", `</script>`, "\xff\xfe"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'}))
	}
	for _, s := range texts {
		var w plainjson.Writer
		w.String(s)
		got, err := w.Done()
		want, wantErr := json.Marshal(s)
		if err != nil || wantErr != nil || string(got) != string(want) {
			t.Errorf("String(%q) writes %s, %v; encoding/json writes %s, %v", s, got, err, want, wantErr)
		}
	}
}

func TestWriterWritesWhatJSONWrites(t *testing.T) {
	t.Parallel()
	type inner struct {
		A string `json:"a"`
		B string `json:"b,omitempty"`
	}
	type outer struct {
		Inner inner           `json:"inner"`
		Empty struct{}        `json:"empty"`
		List  []string        `json:"list"`
		Time  time.Time       `json:"time"`
		Octet []byte          `json:"octets"`
		Nil   []byte          `json:"nil"`
		Some  json.RawMessage `json:"some"`
		None  json.RawMessage `json:"none"`
		Last  string          `json:"last"`
	}
	v := outer{
		Inner: inner{A: `"quoted"`}, List: []string{"one", "", "<three>"}, Time: time.Date(2026, 11, 21, 1, 2, 3, 450, time.FixedZone("", 3600)),
		Octet: []byte{0xfb, 0xff}, Some: json.RawMessage(`{"x":[1]}`), Last: "end",
	}
	var w plainjson.Writer
	w.Open('{')
	w.Name("inner")
	w.Open('{')
	w.Text("a", v.Inner.A)
	w.TextIfAny("b", v.Inner.B)
	w.Close('}')
	w.Name("empty")
	w.Open('{')
	w.Close('}')
	w.Texts("list", v.List)
	w.Time("time", v.Time)
	w.Bytes("octets", v.Octet)
	w.Bytes("nil", v.Nil)
	w.JSON("some", v.Some)
	w.JSON("none", v.None)
	w.Text("last", v.Last)
	w.Close('}')
	got, err := w.Done()
	want, wantErr := json.Marshal(v)
	if err != nil || wantErr != nil || string(got) != string(want) {
		t.Errorf("Writer writes %s, %v; encoding/json writes %s, %v", got, err, want, wantErr)
	}
}

func TestWriterRefusesTimesWithoutForm(t *testing.T) {
	t.Parallel()
	var w plainjson.Writer
	w.Open('{')
	w.Time("t", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	w.Close('}')
	if got, err := w.Done(); err == nil {
		t.Errorf("a time in the year 10000 is written as %s", got)
	}
}
