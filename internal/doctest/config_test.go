package doctest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stepca/config"
	"stepca/provisioner"
	"stepca/template"
)

// base is what a piece of ca.json is completed with.
const base = `{
	"root": "certs/root_ca.crt", "crt": "certs/intermediate_ca.crt", "key": "secrets/intermediate_ca_key",
	"address": ":443", "dnsNames": ["ca.example.com"], "db": {"type": "pebble", "dataSource": "db"},
	"ssh": {"hostKey": "secrets/ssh_host_ca_key", "userKey": "secrets/ssh_user_ca_key"},
	"authority": {"provisioners": [{"type": "ACME", "name": "acme"}]}
}`

// merge puts the members of piece into object.
func merge(object, piece map[string]any) {
	for key, value := range piece {
		inner, ok1 := object[key].(map[string]any)
		more, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			merge(inner, more)
		} else {
			object[key] = value
		}
	}
}

// TestConfigurations holds each piece of ca.json to what step-ca check says.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	for _, block := range Blocks(t, "ca.json") {
		var whole, piece map[string]any
		if err := json.Unmarshal([]byte(base), &whole); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(block.Text), &piece); err != nil {
			t.Errorf("%s:%d: %v", block.Page, block.Line, err)
			continue
		}
		merge(whole, piece)
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Parse(text)
		if err != nil {
			t.Errorf("%s:%d: %v", block.Page, block.Line, err)
			continue
		}
		for _, fault := range cfg.Check() {
			t.Errorf("%s:%d: %s: %s", block.Page, block.Line, fault.Severity, fault)
		}
	}
}

// keys returns the paths of all members of a type of package config.
func keys(typ reflect.Type, path string) []string {
	if typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct {
		typ, path = typ.Elem(), path+"[]"
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	isOurs := typ.Kind() == reflect.Struct && typ.PkgPath() == reflect.TypeFor[config.Config]().PkgPath()
	if !isOurs || strings.HasPrefix(path, "issuers[].") { // those are told of at the top
		return []string{path}
	}
	var all []string
	for _, field := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.IsExported() && name != "" && name != "-" {
			all = append(all, keys(field.Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
	}
	return all
}

// TestEveryKeyIsDocumented looks for each key of ca.json in its page.
func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	page := read(t, "configuration.md")
	all := keys(reflect.TypeFor[config.Config](), "")
	if len(all) < 80 {
		t.Fatalf("only %d keys found", len(all))
	}
	for _, key := range all {
		if !strings.Contains(page, "`"+key+"`") {
			t.Errorf("configuration.md does not tell of %s", key)
		}
	}
	page = read(t, "provisioners.md")
	for _, typ := range []reflect.Type{reflect.TypeFor[provisioner.Claims](), reflect.TypeFor[provisioner.ACME]()} {
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && field.IsExported() && !strings.Contains(page, "`"+name+"`") {
				t.Errorf("provisioners.md does not tell of %s of %s", name, typ)
			}
		}
	}
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTemplates parses the templates.
func TestTemplates(t *testing.T) {
	t.Parallel()
	for lang, parse := range map[string]func(text string) error{
		"template":     func(text string) error { _, err := template.ParseX509(text); return err },
		"ssh-template": func(text string) error { _, err := template.ParseSSH(text); return err },
	} {
		for _, block := range Blocks(t, lang) {
			if err := parse(block.Text); err != nil {
				t.Errorf("%s:%d: %v", block.Page, block.Line, err)
			}
		}
	}
}
