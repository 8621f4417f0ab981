package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// UserDataFlags are --set and --set-file: the values that a template sees as
// .Insecure.User.
type UserDataFlags struct {
	set  []string
	file string
}

// Define adds the flags to the command.
func (f *UserDataFlags) Define(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "a template variable as `key=value`, repeatable; the value is JSON, or else a text")
	cmd.Flags().StringVar(&f.file, "set-file", "", "a JSON `file` with template variables, which --set overrides")
}

// Values are the variables; nil if there are none.
func (f *UserDataFlags) Values(env *Env) (map[string]any, error) {
	var values map[string]any
	if f.file != "" {
		b, err := env.ReadFile(f.file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &values); err != nil {
			return nil, fmt.Errorf("error parsing %s: %w", f.file, err)
		}
	}
	for _, s := range f.set {
		key, text, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, InvalidValueReason("set", s, "it must have the form key=value")
		}
		if values == nil {
			values = make(map[string]any)
		}
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			value = text
		}
		values[key] = value
	}
	return values, nil
}

// JSON are the variables as an object; nil if there are none.
func (f *UserDataFlags) JSON(env *Env) (json.RawMessage, error) {
	values, err := f.Values(env)
	if err != nil || values == nil {
		return nil, err
	}
	return json.Marshal(values)
}

// Claim are the variables as the claim "user" of a token has them: an object even
// if there are none.
func (f *UserDataFlags) Claim(env *Env) (json.RawMessage, error) {
	claim, err := f.JSON(env)
	if err == nil && claim == nil {
		claim = json.RawMessage("{}")
	}
	return claim, err
}
