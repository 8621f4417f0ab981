package ca

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
	trust "stepca/cli/certificate"
	"stepca/client"
	"stepca/config"
	"stepca/keyfile"
)

// bootstrapFlags are those of step ca bootstrap.
type bootstrapFlags struct {
	conn        authority.Connection
	fingerprint string
	redirectURL string
	install     bool
	context     contextFlags
	force       bool
}

func bootstrap(env *cli.Env) *cobra.Command {
	var f bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "make this machine trust and use an authority",
		Long: `**step ca bootstrap** downloads the root certificate of an authority, checks it against
its fingerprint, and makes the authority the one that other commands use.`,
		Example: `Use an authority from now on:
$ step ca bootstrap --ca-url https://ca.example.com --fingerprint 0d7d3834cf187726cf331c40a31aa7ef6b29ba4df601416c9788f6ee01058cf3

Use it beside others, under a name:
$ step ca bootstrap --context work --ca-url https://ca.example.com --fingerprint 0d7d3834cf187726cf331c40a31aa7ef6b29ba4df601416c9788f6ee01058cf3`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(env, cmd) },
	}
	f.conn.DefineURL(cmd)
	cmd.Flags().StringVar(&f.fingerprint, "fingerprint", "", "the SHA-256 `fingerprint` of the root certificate, in hex")
	cmd.Flags().StringVar(&f.redirectURL, "redirect-url", "", "the `URL` where the browser goes after a login at an OpenID provider")
	cmd.Flags().BoolVar(&f.install, "install", false, "install the root certificate in the trust store of the system too")
	f.context.define(cmd)
	cli.Force(cmd, &f.force)
	cli.WithoutContext(cmd)
	return cmd
}

func (f *bootstrapFlags) run(env *cli.Env, cmd *cobra.Command) error {
	caURL, err := f.conn.URL(cli.WithHint(cli.RequiredFlag(cmd, "ca-url"), "Whoever runs the authority knows its address and the fingerprint of its root certificate."))
	if err != nil {
		return err
	}
	fingerprint := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(f.fingerprint), "-", ""))
	if fingerprint == "" {
		return cli.RequiredFlag(cmd, "fingerprint")
	}
	crt, err := client.FetchRoot(cmd.Context(), caURL, fingerprint, client.Config{UserAgent: env.UserAgent()})
	if refused, ok := errors.AsType[*api.Error](err); ok && refused.Status == http.StatusNotFound {
		return cli.WithHint(err, "'step certificate fingerprint' prints that of a root certificate, on the machine of the authority: 64 hexadecimal digits.")
	}
	if err != nil {
		return err
	}
	path := env.Path
	path.Context = f.context.choose(cmd, env, hostname(caURL))
	defaults, err := json.MarshalIndent(config.ClientDefaults{
		CAURL:       caURL,
		Fingerprint: fingerprint,
		Root:        path.Root(),
		RedirectURL: f.redirectURL,
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := env.MayWriteAll(f.force, path.Root(), path.Defaults()); err != nil {
		return err
	}
	if err := keyfile.WriteFile(path.Root(), keyfile.EncodeCertificates(crt), keyfile.SecretPerm); err != nil {
		return cli.FileError(err)
	}
	env.Noticef("The root certificate has been saved in %s.", path.Root())
	if err := keyfile.WriteFile(path.Defaults(), defaults, cli.PublicPerm); err != nil {
		return cli.FileError(err)
	}
	env.Noticef("The authority configuration has been saved in %s.", path.Defaults())
	if err := f.context.save(env, path); err != nil || !f.install {
		return err
	}
	return install(cmd.Context(), env, path.Root())
}

// install makes all programs of this machine trust the root.
func install(ctx context.Context, env *cli.Env, file string) error {
	fmt.Fprint(env.Stderr, "Installing the root certificate in the system truststore... ")
	if err := trust.Install(ctx, env, file); err != nil {
		env.Noticef("")
		return err
	}
	env.Noticef("done.")
	return nil
}

// hostname returns the host of a URL that was parsed before.
func hostname(caURL string) string {
	u, err := url.Parse(caURL)
	if err != nil {
		return caURL
	}
	return u.Hostname()
}
