package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"stepca/config"
	"stepca/server"
)

// serveFlags are those of step-ca without a subcommand.
type serveFlags struct {
	passwordFile, sshHostPasswordFile, sshUserPasswordFile, issuerPasswordFile string
	resolver, token, context, pidFile, acmeHTTPProxy, androidStatus            string
	quiet, insecure, strictFQDN                                                bool
	acmeHTTPPort, acmeTLSPort                                                  int
}

func serveCommand(env *Env) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "step-ca [<config>] [flags]",
		Short: "an online certificate authority",
		Long: `step-ca serves the certificate authority that a configuration file describes, by
default config/ca.json in the step path. 'step ca init' creates one.

On SIGHUP the file is read again, without a dropped connection; on SIGINT and
SIGTERM requests under way are answered before the server ends.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("too many positional arguments were provided in 'step-ca <config> [--password-file=<file>]'")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return serve(cmd.Context(), env, &f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.passwordFile, "password-file", "", "a `file` with the password of the intermediate's key")
	flags.StringVar(&f.sshHostPasswordFile, "ssh-host-password-file", "", "a `file` with the password of the SSH host key, if it is another")
	flags.StringVar(&f.sshUserPasswordFile, "ssh-user-password-file", "", "a `file` with the password of the SSH user key, if it is another")
	flags.StringVar(&f.issuerPasswordFile, "issuer-password-file", "", "a `file` with the password of a registration authority's issuer key (without effect: there is no such mode)")
	flags.StringVar(&f.resolver, "resolver", "", "the `host:port` of the DNS server for all look-ups")
	flags.StringVar(&f.token, "token", env.Getenv("STEP_CA_TOKEN"), "a `token` for linking to a hosted authority (not available)")
	flags.BoolVar(&f.quiet, "quiet", isTrue(env.Getenv("STEP_CA_QUIET")), "print no banner")
	flags.StringVar(&f.context, "context", env.Getenv("STEP_CA_CONTEXT"), "the `name` of the context whose configuration is served")
	flags.IntVar(&f.acmeHTTPPort, "acme-http-port", 0, "the `port` of http-01 validation, for tests; needs --insecure")
	flags.IntVar(&f.acmeTLSPort, "acme-tls-port", 0, "the `port` of tls-alpn-01 validation, for tests; needs --insecure")
	flags.StringVar(&f.acmeHTTPProxy, "acme-http-proxy", "", "the `URL` of a proxy for http-01 validation, which has to refuse link-local addresses")
	flags.StringVar(&f.androidStatus, "acme-android-status", "", "a `file` with a copy of Google's list of revoked Android keys, which is downloaded otherwise")
	flags.BoolVar(&f.strictFQDN, "acme-strict-fqdn", false, "take names in ACME validation as fully qualified")
	flags.StringVar(&f.pidFile, "pidfile", "", "the `file` to write the process ID to")
	flags.BoolVar(&f.insecure, "insecure", false, "allow the flags that are for tests")
	return cmd
}

func (f *serveFlags) check() error {
	for name, port := range map[string]int{"acme-http-port": f.acmeHTTPPort, "acme-tls-port": f.acmeTLSPort} {
		switch {
		case port == 0:
		case !f.insecure:
			return fmt.Errorf("flag '--%s' requires the '--insecure' flag", name)
		case port < 0 || port > 65535:
			return fmt.Errorf("invalid value '%d' for flag '--%s': it must be a port number", port, name)
		}
	}
	if f.token != "" {
		return errors.New("flag '--token' is for authorities linked to a hosted service, which this project does not have: start without it")
	}
	if f.resolver != "" {
		if _, _, err := net.SplitHostPort(f.resolver); err != nil {
			return fmt.Errorf("invalid value '%s' for flag '--resolver': it must be host:port", f.resolver)
		}
	}
	return nil
}

func serve(ctx context.Context, env *Env, f *serveFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	path, err := env.stepPath(f.context)
	if err != nil {
		return err
	}
	if err := f.firstStart(env, path, args); err != nil {
		return err
	}
	opts, err := f.options(env, path)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		opts.ConfigFile = args[0]
	}
	if err := readable(opts.ConfigFile); err != nil {
		return err
	}
	if f.resolver != "" {
		net.DefaultResolver = resolver(f.resolver)
	}
	reloads := hangups()
	removePID, err := writePID(f.pidFile)
	if err != nil {
		return err
	}
	defer removePID()
	log := env.logger()
	s, err := server.Open(ctx, *opts, log)
	if err != nil {
		return &exitError{exitFatal, err}
	}
	stopSignals := reloadOnHangup(ctx, reloads, s)
	defer stopSignals()
	if err := s.Run(ctx); err != nil {
		return &exitError{exitFatal, fmt.Errorf("stopped CA after error occurred: %w", err)}
	}
	return nil
}

func (f *serveFlags) options(env *Env, path config.StepPath) (*server.Options, error) {
	opts := &server.Options{
		ConfigFile: path.CAConfig(), StepPath: path.Dir(), Context: path.Context.Name,
		Version: env.Build.Version, Quiet: f.quiet, Stderr: env.Stderr, Getenv: env.Getenv,
		Prompt: env.Prompt, KMS: env.KMS, Engines: env.Engines,
	}
	var err error
	if opts.Password, err = password(f.passwordFile); err != nil {
		return nil, err
	}
	if opts.SSHHostPassword, err = password(f.sshHostPasswordFile); err != nil {
		return nil, err
	}
	if opts.SSHUserPassword, err = password(f.sshUserPasswordFile); err != nil {
		return nil, err
	}
	if f.issuerPasswordFile != "" {
		env.logger().Warn("--issuer-password-file has no effect: this version is no registration authority for another CA")
	}
	opts.ACME = server.ACMEOptions{HTTPPort: f.acmeHTTPPort, TLSPort: f.acmeTLSPort, StrictFQDN: f.strictFQDN, AndroidStatusFile: f.androidStatus}
	opts.ACME.HTTPProxy, err = f.httpProxy()
	return opts, err
}

// httpProxy returns the proxy of http-01 validation, nil for none.
func (f *serveFlags) httpProxy() (*url.URL, error) {
	if f.acmeHTTPProxy == "" {
		return nil, nil
	}
	u, err := url.Parse(f.acmeHTTPProxy)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return nil, errors.New("invalid value for flag '--acme-http-proxy': it must be a URL such as http://proxy.example.com:3128")
	}
	return u, nil
}

// resolver asks one DNS server, whatever the system is set up to ask.
func resolver(address string) *net.Resolver {
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}
}

// readable explains the first thing that goes wrong for most people.
func readable(file string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("step-ca can't find or open the configuration file for your CA.\n"+
			"You may need to create a CA first by running `step ca init`.\n%w", err)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// writePID writes the process ID to a file, which the function it returns
// removes again. No name writes nothing.
func writePID(name string) (remove func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	if err := os.WriteFile(name, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("writing --pidfile: %w", err)
	}
	return func() { os.Remove(name) }, nil
}
