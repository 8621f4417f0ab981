package certificate

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// trustFlags say in which trust stores a root is installed.
type trustFlags struct {
	prefix                       string
	java, firefox, noSystem, all bool
}

func (f *trustFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.prefix, "prefix", "", "the `text` that the name in the trust store begins with; the common name by default")
	cmd.Flags().BoolVar(&f.java, "java", false, "also the key store of Java, found by JAVA_HOME")
	cmd.Flags().BoolVar(&f.firefox, "firefox", false, "also the databases of Firefox profiles")
	cmd.Flags().BoolVar(&f.noSystem, "no-system", false, "not the trust store of the system")
	cmd.Flags().BoolVar(&f.all, "all", false, "all trust stores")
}

func install(env *cli.Env) *cobra.Command {
	return trustCommand(env, trustVerb{
		use: "install <crt-file>", short: "install a root certificate in the supported trust stores",
		verb: "install", done: "installed", act: trustStore.install,
	})
}

func uninstall(env *cli.Env) *cobra.Command {
	return trustCommand(env, trustVerb{
		use: "uninstall <crt-file>", short: "uninstall a root certificate from the supported trust stores",
		verb: "uninstall", done: "removed", act: trustStore.uninstall,
	})
}

// A trustVerb is what differs between install and uninstall.
type trustVerb struct {
	use, short, verb, done string
	act                    func(trustStore, context.Context, *trustAnchor) error
}

func trustCommand(env *cli.Env, v trustVerb) *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use:   v.use,
		Short: v.short,
		Long: `**step certificate ` + v.verb + `** changes what the programs of this machine trust: the trust
store of the system and, on request, those of Java and Firefox. It needs the rights
of an administrator, and asks sudo for them where there is one.

## POSITIONAL ARGUMENTS
<crt-file>
    The file with the root certificate.`,
		Example: "The trust store of the system:\n$ step certificate " + v.verb + " root_ca.crt\n\n" +
			"All trust stores:\n$ step certificate " + v.verb + " --all root_ca.crt",
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			anchor, err := loadTrustAnchor(args[0], f.prefix)
			if err != nil {
				return err
			}
			for _, store := range f.stores(env) {
				if err := v.act(store, cmd.Context(), anchor); err != nil {
					return fmt.Errorf("failed to %s %s: %w", v.verb, args[0], err)
				}
			}
			summary, err := shortText(&contents{certs: []*x509.Certificate{anchor.cert}})
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "Certificate %s has been %s.\n%s", args[0], v.done, summary)
			return nil
		},
	}
	f.define(cmd)
	return cmd
}

// Install puts a root into the trust store of the system, as step certificate
// install does. Commands that fetch a root use it.
func Install(ctx context.Context, env *cli.Env, file string) error {
	anchor, err := loadTrustAnchor(file, "")
	if err != nil {
		return err
	}
	if err := newSystemStore(newRunner(env)).install(ctx, anchor); err != nil {
		return fmt.Errorf("failed to install %s: %w", file, err)
	}
	return nil
}

// A trustAnchor is a root certificate to be trusted.
type trustAnchor struct {
	file string // where it is
	cert *x509.Certificate
	name string // in the trust store; usable as the name of a file
}

// loadTrustAnchor reads a root certificate: a single, self-signed one of a CA.
func loadTrustAnchor(file, prefix string) (*trustAnchor, error) {
	cert, err := keyfile.LoadCertificate(file)
	if err != nil {
		return nil, err
	}
	if !cert.IsCA || cert.CheckSignatureFrom(cert) != nil {
		return nil, fmt.Errorf("certificate %s is not a root CA", file)
	}
	switch {
	case prefix != "":
	case cert.Subject.CommonName != "":
		prefix = cert.Subject.CommonName + " "
	default:
		prefix = "Smallstep Development CA "
	}
	name := strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' || r == '\\' || r == ':' || r < ' ' {
			return '_'
		}
		return r
	}, prefix+cert.SerialNumber.String())
	return &trustAnchor{file: file, cert: cert, name: strings.TrimLeft(name, "-.")}, nil
}

// stores are the trust stores that the flags name.
func (f *trustFlags) stores(env *cli.Env) []trustStore {
	run := newRunner(env)
	var stores []trustStore
	if !f.noSystem {
		stores = append(stores, newSystemStore(run))
	}
	if f.java || f.all {
		stores = append(stores, &javaStore{home: env.Getenv("JAVA_HOME"), run: run})
	}
	if f.firefox || f.all {
		stores = append(stores, &firefoxStore{profiles: firefoxProfiles(env), run: run})
	}
	return stores
}
