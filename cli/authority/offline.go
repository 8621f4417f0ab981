package authority

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/client"
	"stepca/config"
	"stepca/keyfile"
)

// offlineFlags make a command work on the CA's own files instead of asking the
// CA.
type offlineFlags struct {
	Enabled  bool
	CAConfig string // "" means that of env.Path

	password                         func() string // value of --password-file
	sshHostPassword, sshUserPassword string        // files; "" means that of the other keys
	opened                           cli.OfflineCA
}

// DefineOffline defines --offline and --ca-config. passwordFile is the value of
// the command's --password-file, which opens the CA's keys then.
func (c *Connection) DefineOffline(cmd *cobra.Command, passwordFile *string) {
	c.Offline.password = func() string { return *passwordFile }
	cmd.Flags().BoolVar(&c.Offline.Enabled, "offline", false, "work on the files, keys and database of the authority on this machine, without a server; --password-file opens its keys")
	cmd.Flags().StringVar(&c.Offline.CAConfig, "ca-config", "", "the configuration `file` of the authority for --offline, instead of $STEPPATH/config/ca.json")
	cmd.Flags().StringVar(&c.Offline.sshHostPassword, "ssh-host-password-file", "", "with --offline, a `file` with the password of the key that signs SSH host certificates, if it is not that of the others")
	cmd.Flags().StringVar(&c.Offline.sshUserPassword, "ssh-user-password-file", "", "with --offline, a `file` with the password of the key that signs SSH user certificates, if it is not that of the others")
}

// Close ends what --offline opened.
func (c *Connection) Close() error {
	opened := c.Offline.opened
	if opened == nil {
		return nil
	}
	c.Offline.opened = nil
	return opened.Close()
}

// CA returns what a token is made for: the CA itself, or with --offline its
// configuration file, which needs neither its keys nor its database.
func (c *Connection) CA(ctx context.Context, env *cli.Env) (CA, error) {
	if c.Offline.Enabled {
		return c.Offline.load(env)
	}
	return c.OpenForToken(ctx, env)
}

func (f *offlineFlags) file(env *cli.Env) string {
	if f.CAConfig != "" {
		return f.CAConfig
	}
	return env.Path.CAConfig()
}

func (f *offlineFlags) load(env *cli.Env) (*configCA, error) {
	cfg, err := config.Load(f.file(env))
	if err != nil {
		return nil, cli.FileError(err)
	}
	return newConfigCA(cfg)
}

// client returns a client of the CA inside this process, opened when it is first
// needed.
func (f *offlineFlags) client(ctx context.Context, env *cli.Env) (*client.Client, error) {
	if f.opened == nil {
		if env.OpenOffline == nil {
			return nil, errors.New("this program is built without a certificate authority and cannot work offline")
		}
		opts := cli.OfflineOptions{ConfigFile: f.file(env), Prompt: env.Password("", "password-file")}
		if err := f.loadPasswords(&opts); err != nil {
			return nil, err
		}
		var err error
		if f.opened, err = env.OpenOffline(ctx, env, opts); err != nil {
			return nil, err // of a file or a question; both say what they are about
		}
	}
	return client.New(ctx, f.opened.URL(), client.Config{
		Roots: f.opened.Roots(), Transport: f.opened.Transport, UserAgent: env.UserAgent(),
	})
}

// loadPasswords reads the files with passwords.
func (f *offlineFlags) loadPasswords(opts *cli.OfflineOptions) error {
	for _, p := range []struct {
		file string
		into *keyfile.Secret
	}{
		{f.password(), &opts.Password},
		{f.sshHostPassword, &opts.SSHHostPassword},
		{f.sshUserPassword, &opts.SSHUserPassword},
	} {
		if p.file == "" {
			continue
		}
		password, err := cli.LoadPassword(p.file)
		if err != nil {
			return err
		}
		*p.into = keyfile.NewSecret(password)
	}
	return nil
}
