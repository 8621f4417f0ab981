package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

func (s *SSH) check(r *report) {
	if s == nil {
		return
	}
	for i, k := range s.Keys {
		k.check(r, index("ssh.keys", i))
	}
	// The principal is one of several in lists that commas separate, and the
	// command stands in a log.
	if strings.ContainsFunc(s.AddUserPrincipal, func(c rune) bool { return c == ',' || unicode.IsControl(c) || unicode.IsSpace(c) }) {
		r.errorf("ssh.addUserPrincipal", "%q is not a single principal", s.AddUserPrincipal)
	}
	if s.AddUserCommand != "" && !strings.Contains(s.AddUserCommand, "<principal>") {
		r.warnf("ssh.addUserCommand", "the command does not say <principal>, and so adds nobody in particular")
	}
	if s.Bastion != nil && s.Bastion.Hostname == "" {
		r.warnf("ssh.bastion.hostname", "a bastion without hostname has no effect")
	}
	if !s.Enabled() && len(s.Keys) == 0 {
		r.warnf("ssh", "neither hostKey nor userKey is given, so that there is no SSH CA")
	}
}

func (k *SSHKey) check(r *report, at string) {
	switch strings.ToLower(k.Type) {
	case "user", "host":
	case "":
		r.errorf(at+".type", "type cannot be empty").suggest("it is user or host")
	default:
		r.errorf(at+".type", "invalid type %s, it must be user or host", k.Type)
	}
	switch _, err := k.PublicKey(); {
	case errors.Is(err, errPrivateSSHKey):
		r.errorf(at+".key", "%v", err).suggest("whoever reads the file has the private key: replace it")
	case err != nil:
		r.errorf(at+".key", "%v", err)
	}
}

func (t *Templates) check(r *report) {
	if t == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.Data)) {
		if name == "Step" || name == "User" {
			r.errorf("templates.data."+name, "templates variables cannot contain '%s' as a property", name)
		}
	}
	if t.SSH == nil {
		return
	}
	for i := range t.SSH.User {
		t.SSH.User[i].check(r, index("templates.ssh.user", i))
	}
	for i := range t.SSH.Host {
		t.SSH.Host[i].check(r, index("templates.ssh.host", i))
	}
}

func (t *SSHTemplate) check(r *report, at string) {
	if t.Name == "" {
		r.errorf(at+".name", "template name cannot be empty")
	}
	directory := t.Type == TemplateDirectory
	switch t.Type {
	case TemplateSnippet, TemplatePrependLine, TemplateFile, TemplateDirectory:
	default:
		r.errorf(at+".type", "invalid template type %s, it must be snippet, prepend-line, file, or directory", t.Type)
	}
	switch {
	case t.Template == "" && !directory:
		r.errorf(at+".template", "template template cannot be empty")
	case t.Template != "" && directory:
		r.errorf(at+".template", "template template must be empty with directory type")
	}
	if t.Path == "" {
		r.errorf(at+".path", "template path cannot be empty")
	}
}

// index returns the path of an element of a list.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
