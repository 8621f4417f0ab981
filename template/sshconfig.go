package template

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// An SSHFile is a file that `step ssh config` writes on a client, or a part of
// one, as the configuration describes it.
type SSHFile struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`     // snippet, prepend-line, file or directory
	Template string   `json:"template"` // where its text comes from; "" for a directory
	Path     string   `json:"path"`     // where the client writes it
	Comment  string   `json:"comment"`  // what starts a comment there; "" means "#"
	Requires []string `json:"requires,omitempty"`
}

// Types of SSHFile.
const (
	sshSnippet     = "snippet"
	sshPrependLine = "prepend-line"
	sshFile        = "file"
	sshDirectory   = "directory"
)

// Validate reports the first fault.
func (f *SSHFile) Validate() error {
	switch {
	case f.Name == "":
		return errors.New("template name cannot be empty")
	case f.Type != sshSnippet && f.Type != sshPrependLine && f.Type != sshFile && f.Type != sshDirectory:
		return fmt.Errorf("invalid template type %s, it must be %s, %s, %s, or %s", f.Type, sshSnippet, sshPrependLine, sshFile, sshDirectory)
	case f.Template == "" && f.Type != sshDirectory:
		return errors.New("template template cannot be empty")
	case f.Template != "" && f.Type == sshDirectory:
		return errors.New("template template must be empty with directory type")
	case f.Path == "":
		return errors.New("template path cannot be empty")
	}
	return nil
}

// An SSHConfigFile is a rendered SSHFile in the form of the reply to
// POST /ssh/config.
type SSHConfigFile struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Path    string `json:"path"`
	Comment string `json:"comment"`
	Content []byte `json:"content"`
}

// SSHKeys are the public keys of the SSH certificate authorities. A nil key is
// one that the CA does not have.
type SSHKeys struct {
	HostKey, UserKey                     ssh.PublicKey
	HostFederatedKeys, UserFederatedKeys []ssh.PublicKey // without the keys above
}

// SSHConfig renders the files of `step ssh config`. It is immutable.
type SSHConfig struct {
	user, host []sshConfigFile
	data       map[string]any
}

type sshConfigFile struct {
	SSHFile
	text *template.Template // nil for a directory
}

// Variables that data of the configuration must leave alone.
const (
	varStep    = "Step"
	varSSHUser = "User"
)

// NewSSHConfig parses the files for user machines and for hosts, whose texts
// read returns, and takes further variables from data.
func NewSSHConfig(user, host []SSHFile, data map[string]any, read func(SSHFile) ([]byte, error)) (*SSHConfig, error) {
	for _, name := range []string{varStep, varSSHUser} {
		if _, ok := data[name]; ok {
			return nil, fmt.Errorf("templates variables cannot contain '%s' as a property", name)
		}
	}
	c := &SSHConfig{data: data}
	var err error
	if c.user, err = parseSSHFiles(user, read); err != nil {
		return nil, err
	}
	if c.host, err = parseSSHFiles(host, read); err != nil {
		return nil, err
	}
	return c, nil
}

func parseSSHFiles(files []SSHFile, read func(SSHFile) ([]byte, error)) ([]sshConfigFile, error) {
	parsed := make([]sshConfigFile, len(files))
	for i, f := range files {
		if err := f.Validate(); err != nil {
			return nil, err
		}
		parsed[i].SSHFile = f
		if f.Type == sshDirectory {
			continue
		}
		text, err := read(f)
		if err != nil {
			return nil, fmt.Errorf("error reading %s: %w", f.Template, err)
		}
		if parsed[i].text, err = parseText(f.Name, string(text), sprigFuncs()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		parsed[i].complete(string(text))
	}
	return parsed, nil
}

// complete sets what old configurations lack. Their sshd_config.tpl does not say
// that it requires the names of certificate and key.
func (f *sshConfigFile) complete(text string) {
	if f.Comment == "" {
		f.Comment = "#"
	}
	if f.Name == "sshd_config.tpl" && len(f.Requires) == 0 &&
		strings.Contains(text, ".User.Certificate") && strings.Contains(text, ".User.Key") {
		f.Requires = []string{"Certificate", "Key"}
	}
}

// Render returns the files for a type of machine. user holds the variables that
// the client sent, and they stand in the texts without escaping: the files are
// the client's own. Errors about the request are *ca.Error values.
func (c *SSHConfig) Render(typ ca.SSHCertType, keys SSHKeys, user map[string]string) ([]SSHConfigFile, error) {
	files := c.user
	switch typ {
	case ca.SSHUser:
	case ca.SSHHost:
		files = c.host
	default:
		return nil, ca.Errorf(ca.ErrMalformed, "invalid type '%s'", typ)
	}
	rendered := make([]SSHConfigFile, len(files))
	for i := range files {
		var err error
		if rendered[i], err = files[i].render(c.data, keys, user); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

func (f *sshConfigFile) render(data map[string]any, keys SSHKeys, user map[string]string) (SSHConfigFile, error) {
	out := SSHConfigFile{Name: f.Name, Type: f.Type, Path: f.Path, Comment: f.Comment}
	for _, name := range f.Requires {
		if user[name] == "" {
			return out, ca.Errorf(ca.ErrMalformed, "required variable '%s' is missing, please use `--set <key=value>` flag", name)
		}
	}
	if f.text != nil {
		var err error
		if out.Content, err = execute(f.text, sshConfigVariables(data, keys, user)); err != nil {
			return out, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	// Clients before version 2 of these templates have a file of their own there.
	if f.Name == "step_includes.tpl" && user["StepSSHTemplateVersion"] == "" {
		out.Type = sshFile
		out.Path = strings.TrimPrefix(out.Path, "${STEPPATH}/")
	}
	return out, nil
}

func sshConfigVariables(data map[string]any, keys SSHKeys, user map[string]string) map[string]any {
	vars := make(map[string]any, len(data)+2)
	addValues(vars, data)
	vars[varStep] = struct{ SSH SSHKeys }{keys}
	if len(user) > 0 {
		vars[varSSHUser] = user
	}
	return vars
}
