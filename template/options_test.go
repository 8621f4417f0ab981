package template

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepca/ca"
)

func TestOptionsText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	absolute := write("abs.tpl", `{"subject": "file"}`)
	text := `{"subject": "x"}`
	tests := []struct {
		name      string
		options   *Options
		want, err string
	}{
		{"none", nil, "", ""},
		{"empty", &Options{TemplateData: json.RawMessage("null")}, "", ""},
		{"text", &Options{Template: text}, text, ""},
		{"action first", &Options{Template: "\n {{ toJson .Insecure.CR }}"}, "\n {{ toJson .Insecure.CR }}", ""},
		{"base64", &Options{Template: base64.StdEncoding.EncodeToString([]byte(text))}, text, ""},
		{"neither", &Options{Template: "subject"}, "", "error decoding template"},
		{"absolute file", &Options{TemplateFile: absolute}, `{"subject": "file"}`, ""},
		{"relative file", &Options{TemplateFile: "abs.tpl"}, `{"subject": "file"}`, ""},
		{"text wins over file", &Options{Template: text, TemplateFile: "missing"}, text, ""},
		{"missing file", &Options{TemplateFile: "missing.tpl"}, "", "missing.tpl"},
		{"text that does not parse", &Options{Template: "{{ nosuch }}"}, "", `function "nosuch" not defined`},
		{"data that is no object", &Options{TemplateData: json.RawMessage("[1]")}, "", "error unmarshaling template data"},
		{"deep nesting", &Options{Template: strings.Repeat("{{if 1}}", 200) + strings.Repeat("{{end}}", 200)}, "", "nested more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, load := range []func(*Options, string) (string, error){LoadX509, LoadSSH} {
				got, err := load(tt.options, dir)
				switch {
				case tt.err != "":
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error = %v, want one with %q", err, tt.err)
					}
				case err != nil || got != tt.want:
					t.Errorf("text = %q, %v, want %q", got, err, tt.want)
				}
			}
		})
	}
}

func TestResolvePath(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	step := filepath.Join(wd, "step")
	for path, want := range map[string]string{
		"~/x.tpl":       filepath.Join(home, "x.tpl"),
		"./x.tpl":       filepath.Join(wd, "x.tpl"),
		"../x.tpl":      filepath.Join(filepath.Dir(wd), "x.tpl"),
		"t/x.tpl":       filepath.Join(step, "t", "x.tpl"),
		step + "/x.tpl": step + "/x.tpl",
	} {
		if got, err := ResolvePath(path, step); err != nil || got != want {
			t.Errorf("ResolvePath(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	var c Cache
	name := ca.Template{Default: ca.TemplateLeaf, Source: `{"subject": "x"}`}
	first, err := c.X509(name)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.X509(name); err != nil || again != first {
		t.Errorf("the second look-up gives another template, %v", err)
	}
	if leaf, err := c.X509(ca.Template{Default: ca.TemplateLeaf}); err != nil || leaf.compiled == nil {
		t.Errorf("the default is not compiled, %v", err)
	}
	for _, name := range []ca.Template{{Default: "nosuch"}, {Source: "{{"}} {
		if _, err := c.X509(name); err == nil {
			t.Errorf("X509(%v) gives no error", name)
		}
		if _, err := c.SSH(name); err == nil {
			t.Errorf("SSH(%v) gives no error", name)
		}
	}
}
