package provisioner

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/config"
	"stepca/jsonobject"
)

// updateFlags are those of step ca provisioner update.
type updateFlags struct {
	edit
	values
	key  keyFlags
	name string
}

func update(env *cli.Env) *cobra.Command {
	var f updateFlags
	cmd := &cobra.Command{
		Use:   "update <name>",
		Short: "change a provisioner",
		Long: `**step ca provisioner update** changes a provisioner in the configuration file of an
authority on this machine: what flags are given for, and nothing else. Lists grow by
the values given, and shrink by those of the flags that begin with --remove.`,
		Example: `Forbid renewals:
$ step ca provisioner update you@example.com --disable-renewal

Offer dns-01 only:
$ step ca provisioner update acme --challenge dns-01 --remove-challenge http-01`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(args[0]) },
	}
	cmd.Flags().StringVar(&f.name, "name", "", "the new `name` of the provisioner")
	f.edit.define(cmd)
	f.key.define(cmd)
	f.values.define(env, cmd, true)
	return cmd
}

func (f *updateFlags) run(name string) error {
	return f.edit.run(f.cmd.Context(), f.env, func(cfg *config.Config) error {
		old, ok := cfg.Authority.Provisioner(name)
		if !ok {
			return fmt.Errorf("error loading provisioner: provisioner %s not found", name)
		}
		p, err := f.updated(old)
		if err != nil {
			return err
		}
		if err := validate(p, cfg, f.env.Path.Dir()); err != nil {
			return fmt.Errorf("error updating provisioner: error validating configuration for provisioner %q: %w", name, err)
		}
		return cfg.Authority.UpdateProvisioner(name, p)
	})
}

// updated returns the JSON of a provisioner with the flags applied.
func (f *updateFlags) updated(old json.RawMessage) (json.RawMessage, error) {
	p, err := jsonobject.Parse(old)
	if err != nil {
		return nil, err
	}
	var name string
	if err := json.Unmarshal(p.Get("type"), &name); err != nil {
		return nil, fmt.Errorf("the type of the provisioner: %w", err)
	}
	typ, ok := typeNamed(name)
	if !ok {
		return nil, fmt.Errorf("this version of step does not know provisioners of type %s", name)
	}
	if f.name != "" {
		if err := p.Set("name", f.name); err != nil {
			return nil, err
		}
	}
	switch {
	case typ == nouns.TypeJWK:
		err = f.key.apply(f.env, f.cmd, &p)
	case typ == nouns.TypeK8sSA && f.key.publicKey != "":
		err = f.key.applyPEM(f.env, &p)
	}
	if err != nil {
		return nil, err
	}
	if err := f.apply(&p, typ); err != nil {
		return nil, err
	}
	return p.MarshalJSON()
}
