package provisioner

import (
	"fmt"

	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/config"
	"stepca/jsonobject"
)

// addFlags are those of step ca provisioner add.
type addFlags struct {
	edit
	values
	key  keyFlags
	kind string
}

func add(env *cli.Env) *cobra.Command {
	var f addFlags
	cmd := &cobra.Command{
		Use:   "add <name>",
		Short: "add a provisioner",
		Long: `**step ca provisioner add** adds a provisioner to the configuration file of an authority
on this machine. The authority uses it after a restart or SIGHUP.`,
		Example: `Add a JWK provisioner with a new key:
$ step ca provisioner add you@example.com --create

Add an ACME provisioner:
$ step ca provisioner add acme --type ACME

Allow certificates of up to 30 days:
$ step ca provisioner add long --create --x509-max-dur 720h`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(args[0]) },
	}
	cmd.Flags().StringVar(&f.kind, "type", "JWK", "the `type` of the provisioner: JWK, OIDC, AWS, GCP, AZURE, ACME, X5C, K8SSA, SSHPOP, SCEP or NEBULA")
	f.edit.define(cmd)
	f.key.define(cmd)
	f.values.define(env, cmd, false)
	return cmd
}

func (f *addFlags) run(name string) error {
	typ, ok := typeNamed(f.kind)
	if !ok {
		return cli.InvalidValue("type", f.kind, "JWK", "ACME", "OIDC", "X5C", "SSHPOP", "K8SSA", "NEBULA", "SCEP", "AWS", "GCP", "AZURE")
	}
	p, err := f.provisioner(typ, name)
	if err != nil {
		return err
	}
	return f.edit.run(f.cmd.Context(), f.env, func(cfg *config.Config) error {
		raw, err := p.MarshalJSON()
		if err != nil {
			return err
		}
		if _, taken := cfg.Authority.Provisioner(name); !taken {
			if err := validate(raw, cfg, f.env.Path.Dir()); err != nil {
				return fmt.Errorf("error storing provisioner: error validating configuration for provisioner %q: %w", name, err)
			}
		}
		return cfg.Authority.AddProvisioner(p)
	})
}

// provisioner returns the JSON of the new provisioner.
func (f *addFlags) provisioner(typ nouns.ProvisionerType, name string) (*jsonobject.Object, error) {
	p := new(jsonobject.Object)
	if err := p.Set("type", typ.String()); err != nil {
		return nil, err
	}
	if err := p.Set("name", name); err != nil {
		return nil, err
	}
	if err := f.applyKeys(p, typ); err != nil {
		return nil, err
	}
	for _, a := range f.attributes {
		if a.required && a.of(typ) && !f.changed(a.flag) {
			return nil, cli.RequiredWithFlagValue("type", typeInErrors(typ), a.flag)
		}
	}
	if f.changed("gcp-project") && f.changed("gcp-organization") {
		return nil, cli.IncompatibleFlags("gcp-organization", "gcp-project")
	}
	if err := f.apply(p, typ); err != nil {
		return nil, err
	}
	return p, complete(p, typ)
}

func (f *addFlags) applyKeys(p *jsonobject.Object, typ nouns.ProvisionerType) error {
	switch typ {
	case nouns.TypeJWK:
		if !f.key.create && f.key.publicKey == "" {
			return cli.RequiredWithFlagValue("create", "false", "public-key")
		}
		return f.key.apply(f.env, f.cmd, p)
	case nouns.TypeK8sSA:
		if f.key.publicKey == "" {
			return cli.RequiredWithFlagValue("type", typeInErrors(typ), "public-key")
		}
		return f.key.applyPEM(f.env, p)
	}
	for _, flag := range []string{"create", "public-key", "private-key"} {
		if f.changed(flag) {
			f.noEffect(flag, typ)
		}
	}
	return nil
}

// complete adds the members that every provisioner has that this command made:
// switches are spelled out, and there is a place for templates.
func complete(p *jsonobject.Object, typ nouns.ProvisionerType) error {
	for _, claim := range []struct {
		name  string
		value bool
	}{
		{"enableSSHCA", true},
		{"disableRenewal", false},
		{"allowRenewalAfterExpiry", false},
		{"disableSmallstepExtensions", false},
	} {
		if path := "claims." + claim.name; p.Get(path) == nil {
			if err := p.Set(path, claim.value); err != nil {
				return err
			}
		}
	}
	if typ == nouns.TypeSSHPOP {
		return nil
	}
	for _, path := range []string{"options.x509", "options.ssh"} {
		if p.Get(path) == nil {
			if err := p.Set(path, struct{}{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// typeInErrors is how messages about required flags have always spelled a type.
func typeInErrors(typ nouns.ProvisionerType) string {
	switch typ {
	case nouns.TypeAzure:
		return "AZURE"
	case nouns.TypeX5C:
		return "x5c"
	case nouns.TypeNebula:
		return "nebula"
	case nouns.TypeK8sSA:
		return "k8sSA"
	}
	return typ.String()
}
