package apiserver

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/provisioner"
	"stepca/store"
	"stepca/template"
)

// SSH is what the SSH routes tell beside certificates.
type SSH struct {
	// Keys are the keys that sign, nil for a kind that is off, and those of
	// federated CAs.
	Keys template.SSHKeys

	// UserKeys and HostKeys are further keys of this CA, older ones or those to
	// come; certificates of theirs are as good.
	UserKeys, HostKeys []ssh.PublicKey

	Files   *template.SSHConfig // of /ssh/config
	Bastion *api.SSHBastion     // nil for none
}

// fileKeys are the keys that /ssh/config puts into files. Templates know only
// keys that sign and federated ones; further keys of this CA go with the latter,
// so that a key can be replaced while certificates of the old one are valid.
func (c *SSH) fileKeys() template.SSHKeys {
	keys := c.Keys
	keys.UserFederatedKeys = slices.Concat(c.UserKeys, keys.UserFederatedKeys)
	keys.HostFederatedKeys = slices.Concat(c.HostKeys, keys.HostFederatedKeys)
	return keys
}

// SSHRecords are what the CA remembers of the SSH certificates it issued.
type SSHRecords interface {
	provisioner.SSHRecords

	// SSHHosts returns a page of the principals with a host certificate that has
	// not expired, and the cursor of the next, which is "" after the last.
	SSHHosts(ctx context.Context, p store.Page) ([]*store.SSHHost, string, error)

	// SSHHostKnown reports whether a principal, whose case does not matter, has a
	// host certificate that is neither expired nor revoked. Its error is of kind
	// ca.ErrNotImplemented without a database.
	SSHHostKnown(ctx context.Context, principal string) (bool, error)
}

// sshRoots is GET /ssh/roots: the keys of this CA.
func (s *Server) sshRoots(x *exchange) error {
	if s.cfg.SSH == nil {
		return errNoSSHKeys()
	}
	c := s.cfg.SSH
	return replyKeys(x, withKey(c.Keys.UserKey, c.UserKeys), withKey(c.Keys.HostKey, c.HostKeys))
}

// sshFederation is GET /ssh/federation: the keys of this CA that sign, and those
// of other CAs that it vouches for.
func (s *Server) sshFederation(x *exchange) error {
	if s.cfg.SSH == nil {
		return errNoSSHKeys()
	}
	k := &s.cfg.SSH.Keys
	return replyKeys(x, withKey(k.UserKey, k.UserFederatedKeys), withKey(k.HostKey, k.HostFederatedKeys))
}

func errNoSSHKeys() error { return ca.Hidden(ca.ErrNotFound, "no SSH keys are configured") }

// withKey returns the key, if there is one, followed by the others.
func withKey(key ssh.PublicKey, others []ssh.PublicKey) []api.SSHPublicKey {
	var keys []api.SSHPublicKey
	if key != nil {
		keys = append(keys, api.SSHPublicKey{PublicKey: key})
	}
	for _, other := range others {
		keys = append(keys, api.SSHPublicKey{PublicKey: other})
	}
	return keys
}

func replyKeys(x *exchange, user, host []api.SSHPublicKey) error {
	if len(user)+len(host) == 0 {
		return errNoSSHKeys()
	}
	return x.reply(http.StatusOK, api.SSHRoots{UserKeys: user, HostKeys: host})
}

// sshConfig is POST /ssh/config: the files that make a user's machine or a host
// trust this CA.
func (s *Server) sshConfig(x *exchange) error {
	var body api.SSHConfigRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	typ := cmp.Or(body.Type, ca.SSHUser)
	if typ.Number() == 0 {
		return ca.Errorf(ca.ErrMalformed, "invalid type '%s'", body.Type)
	}
	if s.cfg.SSH == nil || s.cfg.SSH.Keys.UserKey == nil && s.cfg.SSH.Keys.HostKey == nil {
		return errNoSSHKeys()
	}
	files, err := s.cfg.SSH.Files.Render(typ, s.cfg.SSH.fileKeys(), body.Data)
	if err != nil {
		return err
	}
	templates := make([]api.SSHTemplate, len(files))
	for i, f := range files {
		templates[i] = api.SSHTemplate{Name: f.Name, Type: api.SSHTemplateType(f.Type), Path: f.Path, Comment: f.Comment, Content: f.Content}
	}
	if typ == ca.SSHHost {
		return x.reply(http.StatusOK, api.SSHConfigResponse{HostTemplates: templates})
	}
	return x.reply(http.StatusOK, api.SSHConfigResponse{UserTemplates: templates})
}

// sshCheckHost is POST /ssh/check-host: whether a host of that name is to be
// reached with certificates.
func (s *Server) sshCheckHost(x *exchange) error {
	var body api.SSHCheckHostRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Type != ca.SSHHost {
		return ca.Errorf(ca.ErrMalformed, "unsupported type '%s'", body.Type)
	}
	if body.Principal == "" {
		return ca.Errorf(ca.ErrMalformed, "missing or empty principal")
	}
	exists, err := s.cfg.SSHRecords.SSHHostKnown(x.r.Context(), body.Principal)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, api.SSHCheckHostResponse{Exists: exists})
}

// sshHosts is GET /ssh/hosts: the hosts with a certificate.
func (s *Server) sshHosts(x *exchange) error {
	if s.cfg.SSHHostsDisabled {
		return ca.Errorf(ca.ErrNotFound, "ssh hosts list api disabled")
	}
	limit, err := x.limit(api.MaxSSHHosts, api.MaxSSHHostsPage)
	if err != nil {
		return err
	}
	hosts := []api.SSHHost{} // not null if there are none
	cursor := x.r.URL.Query().Get("cursor")
	for len(hosts) < limit {
		page := store.Page{Limit: min(limit-len(hosts), api.MaxSSHHostsPage), Cursor: cursor}
		list, next, err := s.cfg.SSHRecords.SSHHosts(x.r.Context(), page)
		if err != nil {
			return err
		}
		for _, h := range list {
			hosts = append(hosts, api.SSHHost{Hostname: h.Principal})
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	return x.reply(http.StatusOK, api.SSHHosts{Hosts: hosts, NextCursor: cursor})
}

// sshBastion is POST /ssh/bastion: through which host another one is reached.
func (s *Server) sshBastion(x *exchange) error {
	var body api.SSHBastionRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Hostname == "" {
		return ca.Errorf(ca.ErrMalformed, "missing or empty hostname")
	}
	if s.cfg.SSH == nil {
		return ca.Hidden(ca.ErrNotFound, "ssh is not configured")
	}
	resp := api.SSHBastionResponse{Hostname: body.Hostname}
	if b := s.cfg.SSH.Bastion; b != nil && b.Hostname != "" && !strings.EqualFold(b.Hostname, body.Hostname) {
		resp.Bastion = b
	}
	return x.reply(http.StatusOK, resp)
}
