package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestDefaultsLookup(t *testing.T) {
	t.Parallel()
	d, err := ParseDefaults([]byte(`{"s": "text", "b": true, "n": 10000000000, "f": 1.50, "list": ["x", 1, false], "none": null,
		"object": {"a": 1}, "deep": ["a", ["b"]], "empty": "", "no": []}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		names []string
		want  []string
		ok    bool
		fails bool
	}{
		{[]string{"s"}, []string{"text"}, true, false},
		{[]string{"b"}, []string{"true"}, true, false},
		{[]string{"n"}, []string{"10000000000"}, true, false},
		{[]string{"f"}, []string{"1.50"}, true, false},
		{[]string{"list"}, []string{"x", "1", "false"}, true, false},
		{[]string{"empty"}, []string{""}, true, false},
		{[]string{"no"}, nil, true, false},
		{[]string{"none", "missing", "s"}, []string{"text"}, true, false},
		{[]string{"none"}, nil, false, false},
		{[]string{"object"}, nil, false, true},
		{[]string{"deep"}, nil, false, true},
	}
	for _, test := range tests {
		got, ok, err := d.Lookup(test.names...)
		if !slices.Equal(got, test.want) || ok != test.ok || (err != nil) != test.fails {
			t.Errorf("Lookup(%q) = %q, %t, %v, want %q, %t", test.names, got, ok, err, test.want, test.ok)
		}
	}
}

func TestDefaultsOverlay(t *testing.T) {
	t.Parallel()
	bottom := Defaults{"a": json.RawMessage(`1`), "b": json.RawMessage(`1`), "context": json.RawMessage(`"x"`)}
	got, removed := bottom.Overlay(Defaults{"b": json.RawMessage(`2`)}).Without("context", "profile")
	want := map[string]string{"a": "1", "b": "2"}
	if len(got) != len(want) || string(got["a"]) != "1" || string(got["b"]) != "2" {
		t.Errorf("Overlay, Without = %s, want %s", got, want)
	}
	if !slices.Equal(removed, []string{"context"}) {
		t.Errorf("Without removed %q, want context", removed)
	}
	if len(bottom) != 3 || string(bottom["b"]) != "1" {
		t.Errorf("Overlay changed its receiver to %s", bottom)
	}
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "defaults.json")
	if d, err := LoadDefaults(name); err != nil || d == nil || len(d) != 0 {
		t.Errorf("LoadDefaults of a missing file = %v, %v, want empty defaults", d, err)
	}
	if _, err := ReadDefaults(name); err == nil {
		t.Error("ReadDefaults of a missing file succeeded")
	}
	for text, ok := range map[string]bool{"{}": true, "null": true, `{"a":`: false, "[]": false, "": false} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := LoadDefaults(name); (err == nil) != ok || ok && d == nil {
			t.Errorf("LoadDefaults of %q = %v, %v", text, d, err)
		}
	}
}

func FuzzParseDefaults(f *testing.F) {
	f.Add([]byte(`{"ca-url": "https://ca.example", "n": 1, "list": ["a", true]}`))
	f.Add([]byte(`{"a": {"b": [1]}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDefaults(b)
		if err != nil {
			return
		}
		for name := range d {
			values, ok, err := d.Lookup(name)
			if ok && err != nil || !ok && values != nil {
				t.Errorf("Lookup(%q) = %q, %t, %v", name, values, ok, err)
			}
		}
	})
}
