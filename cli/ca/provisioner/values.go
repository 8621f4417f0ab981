package provisioner

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/jsonobject"
	"stepca/keyfile"
)

// challengeFlag is the one flag with two meanings: the challenges of ACME, and
// the shared secret of SCEP.
const challengeFlag = "challenge"

// values are the flags of add and update for the members of a provisioner.
type values struct {
	env        *cli.Env
	cmd        *cobra.Command
	attributes []attribute
	update     bool
}

// define defines the flags; those of update include some that take values out
// of lists.
func (v *values) define(env *cli.Env, cmd *cobra.Command, update bool) {
	v.env, v.cmd, v.attributes, v.update = env, cmd, attributes(), update
	flags := cmd.Flags()
	for _, a := range v.attributes {
		switch a.kind {
		case kindBool:
			flags.Bool(a.flag, false, a.usage)
		case kindInt:
			flags.Int(a.flag, 0, a.usage)
		case kindList, kindFiles:
			flags.StringArray(a.flag, nil, a.usage)
		default:
			flags.String(a.flag, "", a.usage)
		}
		if a.alias != "" {
			cli.Alias(cmd, a.flag, a.alias)
		}
		if update && a.removable() {
			flags.StringArray("remove-"+a.flag, nil, "like --"+a.flag+", but take the `value` out")
		}
	}
}

func (v *values) changed(flag string) bool { return v.cmd.Flags().Changed(flag) }

func (v *values) strings(flag string) []string {
	s, err := v.cmd.Flags().GetStringArray(flag)
	if err != nil {
		panic(err) // the table and define disagree
	}
	return s
}

// apply sets the members of p whose flags are set. A flag that the type has no
// use for is told of, and does nothing.
func (v *values) apply(p *jsonobject.Object, typ nouns.ProvisionerType) error {
	if typ == nouns.TypeSCEP && v.changed(challengeFlag) {
		if err := v.applySecret(p); err != nil {
			return err
		}
	}
	for i := range v.attributes {
		a := &v.attributes[i]
		given := v.changed(a.flag) || v.update && a.removable() && v.changed("remove-"+a.flag)
		switch {
		case !given, typ == nouns.TypeSCEP && a.flag == challengeFlag:
			continue
		case !a.of(typ):
			v.noEffect(a.flag, typ)
			continue
		}
		if err := v.applyOne(p, a); err != nil {
			return err
		}
	}
	return nil
}

func (v *values) noEffect(flag string, typ nouns.ProvisionerType) {
	v.env.Noticef("flag '--%s' has no effect on provisioners of type %s", flag, typ)
}

// applySecret sets the challenge of a SCEP provisioner.
func (v *values) applySecret(p *jsonobject.Object) error {
	secrets := v.strings(challengeFlag)
	if len(secrets) > 1 {
		return fmt.Errorf("provisioner type 'SCEP' does not support multiple '--%s' flags", challengeFlag)
	}
	return p.Set("challenge", secrets[0])
}

func (v *values) applyOne(p *jsonobject.Object, a *attribute) error {
	flags := v.cmd.Flags()
	switch a.kind {
	case kindBool:
		b, err := flags.GetBool(a.flag)
		if err != nil {
			return err
		}
		return p.Set(a.member, b)
	case kindInt:
		n, err := flags.GetInt(a.flag)
		if err != nil {
			return err
		}
		return p.Set(a.member, n)
	case kindList:
		return v.applyList(p, a)
	case kindFiles:
		return v.applyFiles(p, a)
	}
	value, err := flags.GetString(a.flag)
	if err != nil {
		return err
	}
	if value == "" && v.update {
		return p.Remove(a.member)
	}
	return v.applyText(p, a, value)
}

// applyText sets a member from the value of a flag that is given once.
func (v *values) applyText(p *jsonobject.Object, a *attribute, value string) error {
	switch a.kind {
	case kindDuration:
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return cli.InvalidValue(a.flag, value)
		}
		return p.Set(a.member, nouns.Duration(d))
	case kindPassword:
		password, err := keyfile.LoadPassword(value)
		if err != nil {
			return cli.FileError(err)
		}
		return p.Set(a.member, string(password))
	case kindFile:
		data, err := v.read(a, value)
		if err != nil {
			return err
		}
		return p.Set(a.member, data)
	case kindTemplate:
		data, err := v.read(a, value)
		if err != nil {
			return err
		}
		return p.Set(a.member, templateText(data))
	case kindJSON:
		data, err := v.read(a, value)
		if err != nil {
			return err
		}
		if !json.Valid(data) {
			return fmt.Errorf("error parsing %s: not JSON", value)
		}
		return p.SetRaw(a.member, data)
	}
	return p.Set(a.member, value)
}

// templateText is how a template stands in the configuration: as it is if it
// can be told from base64, else in base64.
func templateText(data []byte) string {
	if s := strings.TrimSpace(string(data)); strings.HasPrefix(s, "{") {
		return s
	}
	return base64.StdEncoding.EncodeToString(data)
}

func (v *values) read(a *attribute, name string) ([]byte, error) {
	data, err := v.env.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if a.check != nil {
		err = a.check(name, data)
	}
	return data, err
}

func (v *values) applyFiles(p *jsonobject.Object, a *attribute) error {
	var all []byte
	for _, name := range v.strings(a.flag) {
		data, err := v.read(a, name)
		if err != nil {
			return err
		}
		all = append(all, data...)
	}
	return p.Set(a.member, all)
}

// applyList takes values out of a list, then adds those that it lacks.
func (v *values) applyList(p *jsonobject.Object, a *attribute) error {
	var now []string
	if old := p.Get(a.member); old != nil && !a.replaces {
		if err := json.Unmarshal(old, &now); err != nil {
			return fmt.Errorf("%s of the provisioner is not a list of strings: %w", a.member, err)
		}
	}
	if v.update && a.removable() {
		gone := v.strings("remove-" + a.flag)
		now = slices.DeleteFunc(now, func(s string) bool { return slices.Contains(gone, s) })
	}
	for _, s := range v.strings(a.flag) {
		if a.options != nil {
			if s = strings.ToLower(s); !slices.Contains(a.options, s) {
				return cli.InvalidValue(a.flag, s, a.options...)
			}
		}
		if !slices.Contains(now, s) {
			now = append(now, s)
		}
	}
	if len(now) == 0 {
		return p.Remove(a.member)
	}
	return p.Set(a.member, now)
}

// isClaim reports whether a member is one of the claims.
func isClaim(path string) bool { return strings.HasPrefix(path, "claims.") }
