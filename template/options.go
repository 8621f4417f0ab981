package template

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Options are a provisioner's options.x509 or options.ssh in the configuration.
type Options struct {
	// Template is the text, or its standard base64 if it does not begin with
	// "{" after white space. It wins over TemplateFile.
	Template string `json:"template,omitempty"`

	// TemplateFile is the path of the text, resolved as ResolvePath does.
	TemplateFile string `json:"templateFile,omitempty"`

	// TemplateData is a JSON object whose members become variables.
	TemplateData json.RawMessage `json:"templateData,omitempty"`
}

// IsCustom reports whether the options name a template.
func (o *Options) IsCustom() bool {
	return o != nil && (o.Template != "" || o.TemplateFile != "")
}

// maxText is the size of a template, in bytes.
const maxText = 1 << 20

// Text returns the text of the custom template, "" if there is none. It reads
// the file, so it is called when the configuration is loaded, not for requests.
func (o *Options) Text(stepPath string) (string, error) {
	switch {
	case o == nil:
		return "", nil
	case o.Template != "":
		return decodeText(o.Template)
	case o.TemplateFile != "":
		return readText(o.TemplateFile, stepPath)
	}
	return "", nil
}

// Validate reports whether TemplateData is an object, null or empty.
func (o *Options) Validate() error {
	if o == nil || len(o.TemplateData) == 0 {
		return nil
	}
	if err := MergeTemplateData(map[string]any{}, o.TemplateData); err != nil {
		return fmt.Errorf("error unmarshaling template data: %w", err)
	}
	return nil
}

// LoadX509 reads and parses the custom X.509 template of the options, and checks
// its data. It returns the text for ca.Template.Source, "" if the options have no
// template.
func LoadX509(o *Options, stepPath string) (text string, err error) {
	return load(o, stepPath, func(text string) error {
		_, err := ParseX509(text)
		return err
	})
}

// LoadSSH is LoadX509 for a template for SSH certificates.
func LoadSSH(o *Options, stepPath string) (text string, err error) {
	return load(o, stepPath, func(text string) error {
		_, err := ParseSSH(text)
		return err
	})
}

func load(o *Options, stepPath string, parse func(string) error) (string, error) {
	if err := o.Validate(); err != nil {
		return "", err
	}
	text, err := o.Text(stepPath)
	if err != nil || text == "" {
		return "", err
	}
	return text, parse(text)
}

func decodeText(s string) (string, error) {
	trimmed := strings.TrimSpace(s)
	if strings.HasPrefix(trimmed, "{") {
		return s, nil
	}
	text, err := base64.StdEncoding.DecodeString(trimmed)
	if err != nil {
		return "", fmt.Errorf("error decoding template: it neither begins with \"{\" nor is standard base64: %w", err)
	}
	return string(text), nil
}

func readText(path, stepPath string) (string, error) {
	resolved, err := ResolvePath(path, stepPath)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(resolved)
	if err != nil {
		return "", fmt.Errorf("error reading template: %w", err)
	}
	if len(text) > maxText {
		return "", fmt.Errorf("template %s exceeds %d bytes", resolved, maxText)
	}
	return string(text), nil
}

// ResolvePath returns the path of a file that the configuration names: an
// absolute one as it is, "~/x" in the home directory, "./x" and "../x" in the
// working directory, anything else in stepPath.
func ResolvePath(path, stepPath string) (string, error) {
	slashed := filepath.ToSlash(path)
	switch {
	case filepath.IsAbs(path):
		return path, nil
	case strings.HasPrefix(slashed, "~/"):
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("resolving %s: %w", path, err)
		}
		return filepath.Join(home, slashed[2:]), nil
	case strings.HasPrefix(slashed, "./"), strings.HasPrefix(slashed, "../"):
		return filepath.Abs(path)
	}
	return filepath.Join(stepPath, path), nil
}
