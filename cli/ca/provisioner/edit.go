package provisioner

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/config"
	"stepca/provisioner"
)

// An edit holds the flags of the commands that change ca.json.
type edit struct {
	conn     authority.Connection
	caConfig string
}

func (e *edit) define(cmd *cobra.Command) {
	e.conn.Define(cmd)
	cmd.Flags().StringVar(&e.caConfig, "ca-config", "", "the configuration `file` of the authority, instead of $STEPPATH/config/ca.json")
}

// run changes the provisioners in the configuration file. change gets what
// the file says.
func (e *edit) run(ctx context.Context, env *cli.Env, change func(*config.Config) error) error {
	name := e.caConfig
	if name == "" {
		name = env.Path.CAConfig()
	}
	if err := e.refuseRemote(ctx, env); err != nil {
		return err
	}
	cfg, err := config.Load(name)
	if err != nil {
		return cli.FileError(err)
	}
	env.Selected("CA Configuration", name)
	if err := change(cfg); err != nil {
		return err
	}
	if err := cfg.Save(name); err != nil {
		return cli.FileError(err)
	}
	env.Noticef("\nSuccess! Your `step-ca` config has been updated. To pick up the new configuration SIGHUP (kill -1 <pid>) or restart the step-ca process.")
	return nil
}

// refuseRemote asks the CA of --ca-url whether it keeps its provisioners in its
// database. One that is down, or that we have no reason to trust, may be about to
// read the file.
func (e *edit) refuseRemote(ctx context.Context, env *cli.Env) error {
	unknown := errors.New("no CA is known")
	if _, err := e.conn.URL(unknown); errors.Is(err, unknown) {
		return nil
	}
	if _, err := e.conn.RootFile(env, unknown); errors.Is(err, unknown) {
		return nil
	}
	c, err := e.conn.OpenForToken(ctx, env)
	if err != nil {
		return err
	}
	remote, err := c.HasAdminAPI(ctx)
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return err
	}
	if remote {
		return fmt.Errorf("%s keeps its provisioners in its database, and this version of step does not speak the admin API that changes them", c.URL())
	}
	return nil
}

// validate makes the provisioner ready as the server would, so that a fault is
// found now.
func validate(raw json.RawMessage, cfg *config.Config, stepPath string) error {
	p, err := provisioner.Parse(raw)
	if err != nil {
		return err
	}
	if _, unsupported := p.(*provisioner.Unsupported); unsupported {
		return nil // by this version; its form was checked by Parse
	}
	keys, err := standInKeys(cfg)
	if err != nil {
		return err
	}
	c, err := provisioner.NewCollection([]provisioner.Provisioner{p},
		provisioner.Config{StepPath: stepPath, SSHUserKeys: keys, SSHHostKeys: keys})
	if err != nil {
		return err
	}
	for _, f := range c.Failures() {
		return f.Err
	}
	return nil
}

// standInKeys returns a key in the place of those that an SSH CA has, which are
// encrypted; none if there is no SSH CA.
func standInKeys(cfg *config.Config) ([]ssh.PublicKey, error) {
	if cfg.SSH == nil {
		return nil, nil
	}
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(pub)
	return []ssh.PublicKey{key}, err
}

// typeNamed returns the type with a name, in any case.
func typeNamed(name string) (nouns.ProvisionerType, bool) {
	for t := nouns.TypeJWK; t <= nouns.TypeNebula; t++ {
		if strings.EqualFold(t.String(), name) {
			return t, true
		}
	}
	return nouns.TypeNone, false
}
