package provisioner

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"stepca/keyfile"
)

// Options are the contents of certificates as the configuration has them.
type Options struct {
	X509     *TemplateOptions `json:"x509,omitempty"`
	SSH      *TemplateOptions `json:"ssh,omitempty"`
	Webhooks []Webhook        `json:"webhooks,omitempty"`

	// Wire holds the settings of Wire's ACME challenges, which this version
	// keeps and does not use.
	Wire json.RawMessage `json:"wire,omitempty"`
}

// TemplateOptions name a template and give it data.
type TemplateOptions struct {
	// Template is the text itself, or its standard base64 if it does not begin
	// with "{"; "" for TemplateFile.
	Template string `json:"template,omitempty"`

	// TemplateFile is a path, as keyfile.ResolvePath reads it; "" for the default
	// template. It is read once, when the collection is made.
	TemplateFile string `json:"templateFile,omitempty"`

	// TemplateData is a JSON object whose members are further variables. They
	// take the place of variables of the same name, "Subject" and "SANs" too.
	TemplateData json.RawMessage `json:"templateData,omitempty"`
}

// A Template is a custom template of a provisioner, loaded.
type Template struct {
	Source string         // text; "" means the default of its kind
	Data   map[string]any // templateData; nil for none
}

// load reads what o names. A nil o is the default template without data.
func (o *TemplateOptions) load(stepPath string) (Template, error) {
	if o == nil {
		return Template{}, nil
	}
	source, err := o.source(stepPath)
	if err != nil {
		return Template{}, err
	}
	t := Template{Source: source}
	if len(o.TemplateData) > 0 {
		if err := json.Unmarshal(o.TemplateData, &t.Data); err != nil {
			return Template{}, fmt.Errorf("templateData is not a JSON object: %w", err)
		}
	}
	return t, nil
}

func (o *TemplateOptions) source(stepPath string) (string, error) {
	switch {
	case strings.TrimSpace(o.Template) != "":
		return decodeTemplate(o.Template)
	case o.TemplateFile != "":
		return readTemplateFile(o.TemplateFile, stepPath)
	}
	return "", nil
}

// decodeTemplate returns the text of an inline template.
func decodeTemplate(s string) (string, error) {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "{") {
		return s, nil
	}
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf(`template neither begins with "{" nor is standard base64: %w`, err)
	}
	return string(text), nil
}

// readTemplateFile reads a template. Errors name the file as configured and not
// where it was looked for: they are listed in public.
func readTemplateFile(name, stepPath string) (string, error) {
	path, err := keyfile.ResolvePath(name, stepPath)
	if err != nil {
		return "", err
	}
	text, err := keyfile.ReadFile(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return "", fmt.Errorf("reading templateFile %q: %w", name, err)
	}
	return string(text), nil
}

// templates are the options of a provisioner, loaded.
type templates struct {
	x509, ssh Template
	webhooks  []Webhook
}

func (o *Options) load(stepPath string) (t templates, err error) {
	if o == nil {
		return t, nil
	}
	if t.x509, err = o.X509.load(stepPath); err != nil {
		return t, fmt.Errorf("options.x509: %w", err)
	}
	if t.ssh, err = o.SSH.load(stepPath); err != nil {
		return t, fmt.Errorf("options.ssh: %w", err)
	}
	for _, w := range o.Webhooks {
		if err := w.validate(); err != nil {
			return t, err
		}
		w.Kind, w.CertType = strings.ToUpper(w.Kind), strings.ToUpper(w.CertType)
		t.webhooks = append(t.webhooks, w)
	}
	return t, nil
}
