package config

import (
	"embed"
	"fmt"
)

//go:embed sshtemplates
var sshTemplateTexts embed.FS

// DefaultSSHTemplates are those of a CA whose configuration has none; their
// sources are the files that `step ca init --ssh` writes.
func DefaultSSHTemplates() *Templates {
	of := func(name, typ, path string, requires ...string) SSHTemplate {
		return SSHTemplate{Name: name, Type: typ, Template: "templates/ssh/" + name, Path: path, Comment: "#", Requires: requires}
	}
	return &Templates{SSH: &SSHTemplates{
		User: []SSHTemplate{
			of("config.tpl", TemplateSnippet, "~/.ssh/config"),
			of("step_includes.tpl", TemplatePrependLine, "${STEPPATH}/ssh/includes"),
			of("step_config.tpl", TemplateFile, "ssh/config"),
			of("known_hosts.tpl", TemplateFile, "ssh/known_hosts"),
		},
		Host: []SSHTemplate{
			of("sshd_config.tpl", TemplateSnippet, "/etc/ssh/sshd_config", "Certificate", "Key"),
			of("ca.tpl", TemplateSnippet, "/etc/ssh/ca.pub"),
		},
	}}
}

// DefaultSSHTemplateText returns the text of a default template by its name.
func DefaultSSHTemplateText(name string) ([]byte, error) {
	text, err := sshTemplateTexts.ReadFile("sshtemplates/" + name)
	if err != nil {
		return nil, fmt.Errorf("there is no default SSH template %q", name)
	}
	return text, nil
}
