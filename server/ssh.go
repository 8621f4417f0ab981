package server

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/apiserver"
	"stepca/ca"
	"stepca/config"
	"stepca/issue"
	"stepca/keyfile"
	"stepca/kms"
	"stepca/template"
)

// An sshAuthority is what the section "ssh" of ca.json gives.
type sshAuthority struct {
	signers issue.SSHAuthority
	api     apiserver.SSH
}

// openSSH opens the keys of the SSH CA and reads the templates of its files. It
// returns nil if the configuration has no such section.
func (s *Server) openSSH(ctx context.Context, a *authority) (*sshAuthority, error) {
	cfg := a.cfg.SSH
	if cfg == nil {
		return nil, nil
	}
	sa := &sshAuthority{signers: issue.SSHAuthority{AddUserPrincipal: cfg.UserPrincipal(), AddUserCommand: cfg.UserCommand()}}
	var err error
	if sa.signers.HostKey, sa.api.Keys.HostKey, err = s.openSSHKey(ctx, a, cfg.HostKey, s.opts.SSHHostPassword); err != nil {
		return nil, fmt.Errorf("ssh.hostKey: %w", err)
	}
	if sa.signers.UserKey, sa.api.Keys.UserKey, err = s.openSSHKey(ctx, a, cfg.UserKey, s.opts.SSHUserPassword); err != nil {
		return nil, fmt.Errorf("ssh.userKey: %w", err)
	}
	for i, k := range cfg.Keys {
		if err := sa.addKey(k); err != nil {
			return nil, fmt.Errorf("ssh.keys[%d]: %w", i, err)
		}
	}
	sa.signers.OtherKeys = slices.Concat(sa.api.UserKeys, sa.api.HostKeys)
	if b := cfg.Bastion; b != nil {
		sa.api.Bastion = &api.SSHBastion{Hostname: b.Hostname, User: b.User, Port: b.Port, Command: b.Cmd, Flags: b.Flags}
	}
	sa.api.Files, err = s.sshFiles(a.cfg.Templates)
	return sa, err
}

// openSSHKey opens one key; "" gives none.
func (s *Server) openSSHKey(ctx context.Context, a *authority, uri string, password keyfile.Secret) (kms.Signer, ssh.PublicKey, error) {
	if uri == "" {
		return nil, nil, nil
	}
	key, err := s.openKey(ctx, a, uri, password)
	if err != nil {
		return nil, nil, err
	}
	pub, err := ssh.NewPublicKey(key.Public())
	return key, pub, err
}

// addKey adds a further public key of this CA or of a federated one.
func (sa *sshAuthority) addKey(k config.SSHKey) error {
	key, err := k.PublicKey()
	if err != nil {
		return err
	}
	list := &sa.api.UserKeys
	switch host := strings.EqualFold(k.Type, string(ca.SSHHost)); {
	case host && k.Federated:
		list = &sa.api.Keys.HostFederatedKeys
	case host:
		list = &sa.api.HostKeys
	case k.Federated:
		list = &sa.api.Keys.UserFederatedKeys
	}
	*list = append(*list, key)
	return nil
}

// trusted returns the keys whose certificates this CA renews and revokes: those
// that sign, and its own others.
func (sa *sshAuthority) trusted() (user, host []ssh.PublicKey) {
	if sa == nil {
		return nil, nil
	}
	if k := sa.api.Keys.UserKey; k != nil {
		user = append(user, k)
	}
	if k := sa.api.Keys.HostKey; k != nil {
		host = append(host, k)
	}
	return append(user, sa.api.UserKeys...), append(host, sa.api.HostKeys...)
}

// signs reports whether there is a key to sign with.
func (sa *sshAuthority) signs() bool {
	return sa != nil && (sa.signers.UserKey != nil || sa.signers.HostKey != nil)
}

// probe returns nil if the keys could sign now.
func (sa *sshAuthority) probe(ctx context.Context) error {
	if sa == nil {
		return nil
	}
	for _, key := range []kms.Signer{sa.signers.UserKey, sa.signers.HostKey} {
		if key == nil {
			continue
		}
		if err := key.Probe(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sshFiles parses the templates of what `step ssh config` writes.
func (s *Server) sshFiles(t *config.Templates) (*template.SSHConfig, error) {
	read := func(f template.SSHFile) ([]byte, error) {
		name, err := keyfile.ResolvePath(f.Template, s.opts.StepPath)
		if err != nil {
			return nil, err
		}
		return os.ReadFile(name)
	}
	if t == nil || t.SSH == nil {
		builtin := config.DefaultSSHTemplates()
		if t != nil {
			builtin.Data = t.Data
		}
		t = builtin
		read = func(f template.SSHFile) ([]byte, error) { return config.DefaultSSHTemplateText(f.Name) }
	}
	data := make(map[string]any, len(t.Data))
	for name, raw := range t.Data {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("templates.data.%s: %w", name, err)
		}
		data[name] = value
	}
	return template.NewSSHConfig(templateFiles(t.SSH.User), templateFiles(t.SSH.Host), data, read)
}

func templateFiles(list []config.SSHTemplate) []template.SSHFile {
	files := make([]template.SSHFile, len(list))
	for i, t := range list {
		files[i] = template.SSHFile(t)
	}
	return files
}
