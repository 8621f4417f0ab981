package cli

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepca/keyfile"
)

// KeyFlags are --kty, --crv (also --curve) and --size: the kind of a new key.
type KeyFlags struct {
	cmd        *cobra.Command
	kty, curve string
	size       int
}

// Define adds the flags to the command.
func (f *KeyFlags) Define(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().StringVar(&f.kty, "kty", "EC", "the `type` of the key: EC, OKP or RSA")
	cmd.Flags().StringVar(&f.curve, "crv", "", "the `curve` of an EC or OKP key: P-256, P-384, P-521 or Ed25519")
	cmd.Flags().IntVar(&f.size, "size", 0, "the `bits` of an RSA key, at least 2048")
	Alias(cmd, "crv", "curve")
}

// Used is the first of the flags that has a value, "" if none has.
func (f *KeyFlags) Used() string {
	for _, name := range []string{"kty", "crv", "size"} {
		if f.cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// curves are the curves of each type; the first is the default.
var curves = map[string][]string{
	"EC":  {"P-256", "P-384", "P-521"},
	"OKP": {"Ed25519"},
}

// Spec is the kind of key that the flags ask for, EC P-256 if they are not set.
// insecure allows small RSA keys.
func (f *KeyFlags) Spec(insecure bool) (keyfile.KeySpec, error) {
	flags := f.cmd.Flags()
	hasCurve, hasSize := flags.Changed("crv"), flags.Changed("size")
	if !flags.Changed("kty") {
		switch {
		case hasCurve:
			return keyfile.KeySpec{}, RequiredWithFlag("curve", "kty")
		case hasSize:
			return keyfile.KeySpec{}, RequiredWithFlag("size", "kty")
		}
		return keyfile.KeySpec{}, nil
	}
	switch f.kty {
	case "RSA":
		switch {
		case hasCurve:
			return keyfile.KeySpec{}, IncompatibleFlagValue("curve", "kty", f.kty)
		case hasSize && f.size <= 0 && insecure:
			return keyfile.KeySpec{}, errors.New("flag '--size' must be greater than or equal to 0")
		case hasSize && f.size < keyfile.MinRSABits && !insecure:
			return keyfile.KeySpec{}, fmt.Errorf("flag '--size' requires at least %d unless '--insecure' flag is provided", keyfile.MinRSABits)
		}
		return keyfile.KeySpec{Type: f.kty, Size: f.size, AllowWeak: insecure}, nil
	case "EC", "OKP":
		options := curves[f.kty]
		switch {
		case hasSize:
			return keyfile.KeySpec{}, IncompatibleFlagValue("size", "kty", f.kty)
		case hasCurve && !slices.Contains(options, f.curve):
			return keyfile.KeySpec{}, fmt.Errorf("%w\n\n  Option(s): --curve %s",
				IncompatibleFlagValues("kty", f.kty, "curve", f.curve), strings.Join(options, ", "))
		}
		return keyfile.KeySpec{Type: f.kty, Curve: f.curve}, nil
	}
	return keyfile.KeySpec{}, InvalidValue("kty", f.kty, "RSA", "EC", "OKP")
}

// Generate returns a new key of the kind of Spec.
func (f *KeyFlags) Generate(insecure bool) (crypto.Signer, error) {
	spec, err := f.Spec(insecure)
	if err != nil {
		return nil, err
	}
	return keyfile.Generate(spec)
}
