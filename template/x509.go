package template

import (
	"fmt"
	"sync"
	"text/template"

	"stepca/ca"
)

// X509 is a template for X.509 certificates, safe for concurrent use.
type X509 struct {
	text     func() (*template.Template, error)
	compiled func(*X509Data) *Certificate // nil for a custom template
}

// ParseX509 parses a custom template.
func ParseX509(text string) (*X509, error) {
	t, err := parseText("template", text, x509Funcs())
	if err != nil {
		return nil, err
	}
	return &X509{text: func() (*template.Template, error) { return t, nil }}, nil
}

// Further built-in templates, for certificates that no provisioner vouches for.
const (
	Intermediate = "intermediate" // a CA certificate below which no other CA may stand
	Root         = "root"         // a CA certificate that issues such intermediates
	Copy         = "copy"         // what the request asks for, word for word
)

// DefaultX509 returns a built-in template by its name: ca.TemplateLeaf,
// ca.TemplateAdmin, ca.TemplateIID, ca.TemplateAttested, Intermediate, Root or Copy.
func DefaultX509(name string) (*X509, error) {
	d, ok := x509Defaults[name]
	if !ok {
		return nil, fmt.Errorf("there is no built-in X.509 template %q", name)
	}
	return &X509{
		text: sync.OnceValues(func() (*template.Template, error) {
			return parseText(name, d.text, x509Funcs())
		}),
		compiled: d.compiled,
	}, nil
}

// Render executes the template and decodes its output. The error is a *FailError
// if the template refused, an *OutputError if its output is not a certificate,
// and an internal one otherwise.
func (t *X509) Render(d *X509Data) (*Certificate, error) {
	if t.compiled != nil && !shadowed(d.Values, varSubject, varSANs) {
		return t.compiled(d), nil
	}
	vars := d.variables()
	if t.compiled != nil {
		vars[varInsecure] = insecure(d.CR, nil)
	}
	text, err := t.text()
	if err != nil {
		return nil, err
	}
	output, err := execute(text, vars)
	if err != nil {
		return nil, err
	}
	return ParseCertificate(output)
}

// A Cache keeps parsed templates by their text, so that a grant can carry text
// and no template is parsed twice. The texts are an operator's; it only grows.
// The zero value is ready, and safe for concurrent use.
type Cache struct {
	x509 sync.Map // of ca.Template to *X509
	ssh  sync.Map // of ca.Template to *SSH

}

// X509 returns the template that a grant names.
func (c *Cache) X509(name ca.Template) (*X509, error) {
	return cached(&c.x509, name, DefaultX509, ParseX509)
}

// cached finds a template or makes it from its built-in name or its text.
func cached[T any](m *sync.Map, name ca.Template, builtin, parse func(string) (*T, error)) (*T, error) {
	if t, ok := m.Load(name); ok {
		return t.(*T), nil
	}
	var t *T
	var err error
	if name.Source != "" {
		t, err = parse(name.Source)
	} else {
		t, err = builtin(name.Default)
	}
	if err != nil {
		return nil, err
	}
	kept, _ := m.LoadOrStore(name, t)
	return kept.(*T), nil
}
