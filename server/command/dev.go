package command

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"stepca/config"
	"stepca/config/pki"
	"stepca/keyfile"
	"stepca/server"
)

func devCommand(env *Env) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "run a new CA on this machine until it is stopped, for trying things out",
		Long: `Makes a CA and serves it on loopback: a root, an intermediate, a JWK provisioner
named dev with a random password, and an ACME provisioner named acme. Records are
kept in memory and files in a temporary directory that only the current user can
read. When the program stops, with SIGINT or SIGTERM, nothing is left.

Printed are the URL, the fingerprint of the root, the password, and the commands
that get a first certificate, ready to be copied into another terminal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd.Context(), env, address)
		},
	}
	cmd.Flags().StringVar(&address, "address", "127.0.0.1:0", "the `host:port` to listen on, of loopback; port 0 is any that is free")
	return cmd
}

// devProvisioner is the name of the JWK provisioner of step-ca dev.
const devProvisioner = "dev"

func dev(ctx context.Context, env *Env, address string) (err error) {
	if err := checkLoopback(address); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "step-ca-dev-")
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := os.RemoveAll(dir); err == nil {
			err = removeErr
		}
	}()
	d, err := newDevCA(dir, address)
	if err != nil {
		return err
	}
	s, err := server.Open(ctx, server.Options{
		ConfigFile: d.path.CAConfig(), StepPath: d.path.Dir(), Version: env.Build.Version, Quiet: true,
		Password: d.password, Stderr: env.Stderr, Getenv: env.Getenv, KMS: env.KMS, Engines: env.Engines,
	}, env.logger())
	if err != nil {
		return &exitError{exitFatal, err}
	}
	if err := d.tell(env, "https://"+s.Addr()); err != nil {
		s.Close()
		return err
	}
	return s.Run(ctx)
}

// checkLoopback keeps a CA whose password stands on a screen from the network.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("invalid value '%s' for flag '--address': it must be host:port", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("invalid value '%s' for flag '--address': step-ca dev serves this machine only, as in 127.0.0.1:8443; make a CA for others with `step ca init`", address)
	}
	return nil
}

// A devCA is the CA of step-ca dev.
type devCA struct {
	path         config.StepPath // in the temporary directory
	password     keyfile.Secret
	passwordFile string
	fingerprint  string
}

// newDevCA makes a CA in dir. Even here keys are written encrypted only, with a
// password that nobody knew before.
func newDevCA(dir, address string) (*devCA, error) {
	d := &devCA{path: config.StepPath{Home: dir, Base: dir}, passwordFile: filepath.Join(dir, "password")}
	var err error
	if d.password, err = pki.RandomPassword(devPasswordLength); err != nil {
		return nil, err
	}
	p, err := pki.New(pki.Options{
		Path: d.path, Name: "Development", Address: address,
		DNSNames:    []string{"localhost", "127.0.0.1", "::1"},
		Provisioner: devProvisioner, Password: d.password, ACME: true, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	p.Config.DB = &config.DB{Type: config.EngineMemory}
	if _, err := p.Write(); err != nil {
		return nil, err
	}
	d.fingerprint = p.Fingerprint()
	return d, keyfile.WriteFile(d.passwordFile, append(d.password.Reveal(), '\n'), keyfile.SecretPerm)
}

// devPasswordLength is in characters.
const devPasswordLength = 24

// tell prints what a client needs to know, and the commands that use it.
func (d *devCA) tell(env *Env, url string) error {
	client := filepath.Join(d.path.Base, "client")
	_, err := fmt.Fprintf(env.Stdout, `URL:          %[1]s
Fingerprint:  %[2]s
Provisioner:  %[3]s
Password:     %[4]s
ACME:         %[1]s/acme/acme/directory

Now type in another terminal, for a certificate for localhost:

  export STEPPATH='%[5]s'
  step ca bootstrap --ca-url %[1]s --fingerprint %[2]s
  step ca certificate localhost localhost.crt localhost.key --provisioner %[3]s --provisioner-password-file '%[6]s'

Everything is gone when this program stops (Ctrl-C).
`, url, d.fingerprint, devProvisioner, d.password.Reveal(), client, d.passwordFile)
	return err
}
