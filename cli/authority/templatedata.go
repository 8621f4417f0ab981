package authority

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// TemplateData holds the flags with variables for the CA's templates.
type TemplateData struct {
	Set     []string // key=value
	SetFile string   // a file with a JSON object
}

// Define defines --set and --set-file.
func (d *TemplateData) Define(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&d.Set, "set", nil, "a template variable as `key=value`; the value is JSON, or else a string; repeatable")
	cmd.Flags().StringVar(&d.SetFile, "set-file", "", "a `file` with a JSON object of template variables; --set overrides it")
}

// IsSet reports whether there are variables.
func (d *TemplateData) IsSet() bool { return len(d.Set) > 0 || d.SetFile != "" }

// JSON returns the variables as a JSON object, "{}" if there are none.
func (d *TemplateData) JSON(env *cli.Env) (json.RawMessage, error) {
	variables := map[string]json.RawMessage{}
	if d.SetFile != "" {
		b, err := env.ReadFile(d.SetFile)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, &variables); err != nil {
			return nil, fmt.Errorf("error parsing %s: not a JSON object: %w", d.SetFile, err)
		}
		if variables == nil { // the file says null
			variables = map[string]json.RawMessage{}
		}
	}
	for _, assignment := range d.Set {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok || key == "" {
			return nil, cli.InvalidValueReason("set", assignment, "it must be of the form key=value")
		}
		if json.Valid([]byte(value)) {
			variables[key] = json.RawMessage(value)
			continue
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		variables[key] = quoted
	}
	return json.Marshal(variables)
}
