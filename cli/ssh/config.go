package ssh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

// configFlags are those of step ssh config.
type configFlags struct {
	conn       authority.Connection
	host       bool
	roots      bool
	federation bool
	set        []string
	setFile    string
	console    bool
	dryRun     bool
	undo       bool
	force      bool
	team       teamFlags
}

func configure(env *cli.Env) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "config",
		Short: "configure OpenSSH to use the certificates of the authority",
		Long: `**step ssh config** writes the configuration of OpenSSH that the certificate authority
has for this user: hosts with a certificate are trusted, and connections to them use
the certificate of **step ssh login**. With --host it configures sshd instead, which
then shows the certificate of this host and accepts those of users. On Windows, what
the authority calls /etc/ssh is %ProgramData%\ssh.

Files of others are kept; ours is a marked section in them or a line on top. Running
it again changes nothing that is right already. All files are written or none, and
--undo takes everything back.`,
		Example: `Configure ssh:
$ step ssh config

Configure sshd, with the certificate and the key in /etc/ssh:
$ step ssh config --host --set Certificate=ssh_host_ecdsa_key-cert.pub --set Key=ssh_host_ecdsa_key

Print the keys that sign user certificates, for TrustedUserCAKeys of sshd:
$ step ssh config --roots

Print the keys that sign host certificates, for known_hosts:
$ step ssh config --host --roots | sed 's/^/@cert-authority * /'

Remove what step wrote:
$ step ssh config --undo`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return errors.Join(f.run(env, cmd), f.conn.Close()) },
	}
	defineConnection(cmd, &f.conn)
	flags := cmd.Flags()
	flags.BoolVar(&f.host, "host", false, "configure sshd, not ssh")
	flags.BoolVar(&f.roots, "roots", false, "print the keys of the authority that sign user certificates, with --host those that sign host certificates")
	flags.BoolVar(&f.federation, "federation", false, "like --roots, with the keys of federated authorities")
	flags.StringArrayVar(&f.set, "set", nil, "a template variable as `key=value`, repeatable")
	flags.StringVar(&f.setFile, "set-file", "", "a JSON `file` with template variables, which --set overrides")
	flags.BoolVar(&f.console, "console", false, "have logins that ssh starts use the terminal and not a browser")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the files instead of writing them")
	flags.BoolVar(&f.undo, "undo", false, "take back what this command wrote; with --host, in the configuration of sshd only")
	flags.BoolVarP(&f.force, "force", "f", false, "with --undo, take back files that were changed since, too")
	cli.ShortFirst(cmd, "force")
	f.team.define(cmd)
	flags.Bool("no-context", false, "do not apply a context or defaults.json") // the frame acts on it
	cli.Hide(cmd, "no-context")
	return cmd
}

func (f *configFlags) run(env *cli.Env, cmd *cobra.Command) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.undo {
		return undoConfig(env, f.host, f.force)
	}
	c, err := f.conn.Open(cmd.Context(), env, cmd)
	if err != nil {
		return err
	}
	if f.roots || f.federation {
		return f.printRoots(cmd.Context(), env, c)
	}
	templates, err := f.templates(cmd.Context(), env, c)
	switch {
	case err != nil:
		return err
	case len(templates) == 0:
		_, err := fmt.Fprintln(env.Stdout, "No configuration changes were found.")
		return err
	case f.dryRun:
		return showConfig(env, templates)
	}
	return applyConfig(env, templates, f.host)
}

func (f *configFlags) check() error {
	if err := f.team.check(); err != nil {
		return err
	}
	flags := []struct {
		name string
		set  bool
	}{
		{"roots", f.roots}, {"federation", f.federation}, {"set", len(f.set) > 0 || f.setFile != ""}, {"undo", f.undo},
	}
	for i, a := range flags {
		for _, b := range flags[i+1:] {
			if a.set && b.set {
				return cli.IncompatibleFlags(a.name, b.name)
			}
		}
	}
	if f.undo && f.dryRun {
		return cli.IncompatibleFlags("undo", "dry-run")
	}
	return nil
}

func (f *configFlags) printRoots(ctx context.Context, env *cli.Env, c *client.Client) error {
	roots, err := sshRoots(ctx, c, f.federation)
	if err != nil {
		return err
	}
	keys, name := roots.UserKeys, "userKey"
	if f.host {
		keys, name = roots.HostKeys, "hostKey"
	}
	if len(keys) == 0 {
		return fmt.Errorf("step certificates is not configured with an ssh.%s", name)
	}
	var b bytes.Buffer
	for _, key := range keys {
		b.Write(encodePublicKey(key.PublicKey, ""))
	}
	_, err = env.Stdout.Write(b.Bytes())
	return err
}

// templates asks for the rendered configuration.
func (f *configFlags) templates(ctx context.Context, env *cli.Env, c *client.Client) ([]api.SSHTemplate, error) {
	data, err := f.variables(env)
	if err != nil {
		return nil, err
	}
	req := &api.SSHConfigRequest{Type: ca.SSHUser, Data: data}
	if f.host {
		req.Type = ca.SSHHost
	} else if data["User"] == "" {
		if data["User"], err = loggedIn(ctx, env, c); err != nil {
			return nil, err
		}
	}
	resp, err := c.SSHConfig(ctx, req)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Status == http.StatusNotFound {
		return nil, errNoSSH
	}
	if err != nil {
		return nil, err
	}
	return append(resp.UserTemplates, forHost(env, resp.HostTemplates)...), nil
}

// variables are what the templates see as .User.
func (f *configFlags) variables(env *cli.Env) (map[string]string, error) {
	data := map[string]string{
		"GOOS":         runtime.GOOS,
		"StepPath":     env.Path.Dir(),
		"StepBasePath": env.Path.Base,
		// Version 2 has the includes in the base path, one line for each context.
		"StepSSHTemplateVersion": "v2",
	}
	if name := env.Path.Context.Name; name != "" {
		data["Context"] = name
	}
	if f.console {
		data["Console"] = "true"
	}
	if f.setFile != "" {
		text, err := env.ReadFile(f.setFile)
		if err != nil {
			return nil, err
		}
		var values map[string]json.RawMessage
		if err := json.Unmarshal(text, &values); err != nil {
			return nil, fmt.Errorf("error parsing %s: %w", f.setFile, err)
		}
		for key, value := range values {
			data[key] = templateText(value)
		}
	}
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, cli.InvalidValueReason("set", s, "it must have the form key=value")
		}
		data[key] = value
	}
	return data, nil
}

// templateText is a JSON value as the text that templates want: a string is what it
// says, and anything else is as it is written.
func templateText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// loggedIn is the login name of whoever has a certificate of the CA in the agent.
func loggedIn(ctx context.Context, env *cli.Env, c *client.Client) (string, error) {
	signers, err := userSigners(ctx, c)
	if err != nil {
		return "", err
	}
	a, err := connectAgent(env)
	if err != nil {
		return "", err
	}
	defer a.Close()
	certs, err := a.certificates(signers, "")
	if err != nil {
		return "", err
	}
	for _, cert := range certs {
		if isValid(cert.Certificate, env.Now()) && len(cert.ValidPrincipals) > 0 {
			return cert.ValidPrincipals[0], nil
		}
	}
	return "", errors.New("ssh certificate not found: please run `step ssh login <identity>`")
}

// showConfig prints the templates and where they would go.
func showConfig(env *cli.Env, templates []api.SSHTemplate) error {
	for _, t := range templates {
		place, err := templatePath(env, t.Path)
		if err != nil {
			return err
		}
		if env.Color {
			place = "\x1b[1m" + place + "\x1b[0m"
		}
		env.Noticef("%s", place)
		env.Noticef("%s", t.Content)
	}
	return nil
}
