package pki

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"stepca/config"
	"stepca/keyfile"
)

//go:embed values.yaml.tpl
var helmText string

// Helm returns the values for the Helm chart that runs the CA, as YAML. Nothing
// is written. The keys are encrypted; the passwords are left for the operator to
// fill in.
func (p *PKI) Helm() ([]byte, error) {
	switch {
	case p.Config == nil:
		return nil, fmt.Errorf("values for Helm need a configuration, not only a PKI")
	case p.opts.RA != nil || p.opts.KMS != nil:
		return nil, fmt.Errorf("values for Helm can only be made for a CA whose keys are files")
	}
	t, err := template.New("values.yaml").Funcs(template.FuncMap{
		"quote":  quoteYAML,
		"indent": indent,
	}).Parse(helmText)
	if err != nil {
		return nil, err
	}
	url := p.opts.CAURL
	if url == "" {
		url = caURL(p.opts.DNSNames[0], "") // the service's port is 443, whatever the container's
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Paths": map[string]string{
			"Root": helmPaths().root, "Crt": helmPaths().intermediate, "Key": helmPaths().intermediateKey,
			"SSHHost": helmPaths().sshHostKey, "SSHUser": helmPaths().sshUserKey,
			"Config": helmPaths().config, "Database": helmPaths().database,
		},
		"Config":          p.Config,
		"Engine":          config.EnginePebble,
		"CAURL":           url,
		"Fingerprint":     p.Fingerprint(),
		"Provisioners":    p.provisionerTexts(),
		"Root":            string(keyfile.EncodeCertificates(p.Root)),
		"Intermediate":    string(keyfile.EncodeCertificates(p.Intermediate)),
		"RootKey":         string(p.rootKey),
		"IntermediateKey": string(p.intermediateKey),
		"SSHHostPub":      strings.TrimSpace(string(p.sshHost.pub)),
		"SSHUserPub":      strings.TrimSpace(string(p.sshUser.pub)),
		"SSHHostKey":      string(p.sshHost.key),
		"SSHUserKey":      string(p.sshUser.key),
	})
	return out.Bytes(), err
}

// provisionerTexts returns the provisioners as JSON, which is YAML too.
func (p *PKI) provisionerTexts() []string {
	texts := make([]string, len(p.Provisioners))
	for i, raw := range p.Provisioners {
		texts[i] = string(raw)
	}
	return texts
}

// quoteYAML returns a YAML scalar: plain if that cannot be misread, else in
// double quotes.
func quoteYAML(s string) string {
	misread := s == "" || isYAMLWord(s) || s != strings.TrimSpace(s) ||
		strings.ContainsAny(s, "#'\"{}[]&*!|>%@`,\\\n\t?") || strings.HasPrefix(s, "-") ||
		strings.HasSuffix(s, ":") || strings.HasPrefix(s, "::") || strings.Contains(s, ": ")
	if misread {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// isYAMLWord reports whether YAML would read a plain s as something other than
// a string: a number, a boolean, null.
func isYAMLWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "~", "y", "n":
		return true
	}
	return strings.Trim(s, "0123456789.+-_eExX:") == "" && !strings.HasPrefix(s, ":")
}

// indent puts n spaces before each line.
func indent(n int, s string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+pad)
}
