package authority

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/jose"
	"stepca/keyfile"
)

// KeyFlags hold the flags with the kind of a new key.
type KeyFlags struct {
	Type, Curve string
	Size        int
}

// Define defines --kty, --crv (and --curve) and --size.
func (k *KeyFlags) Define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.Type, "kty", "EC", "the `kind` of key to make: EC, OKP or RSA")
	cmd.Flags().StringVar(&k.Curve, "crv", "", "the elliptic `curve`: P-256 (default), P-384 or P-521 for EC, Ed25519 for OKP")
	cli.Alias(cmd, "crv", "curve")
	cmd.Flags().IntVar(&k.Size, "size", 0, "the size of an RSA key in `bits`, at least 2048 (default)")
}

// Spec returns the kind of key that the flags of cmd ask for.
func (k *KeyFlags) Spec(cmd *cobra.Command) (keyfile.KeySpec, error) {
	spec := keyfile.KeySpec{Type: k.Type, Curve: k.Curve, Size: k.Size}
	flags := cmd.Flags()
	switch {
	case flags.Changed("crv") && !flags.Changed("kty"):
		return spec, cli.RequiredWithFlag("crv", "kty")
	case flags.Changed("size") && !flags.Changed("kty"):
		return spec, cli.RequiredWithFlag("size", "kty")
	}
	switch k.Type {
	case "RSA":
		switch {
		case flags.Changed("crv"):
			return spec, cli.IncompatibleFlagValue("crv", "kty", k.Type)
		case k.Size < 0:
			return spec, errors.New("flag '--size' must be greater than or equal to 0")
		case flags.Changed("size") && k.Size < keyfile.MinRSABits:
			return spec, fmt.Errorf("flag '--size' requires at least %d", keyfile.MinRSABits)
		}
	case "EC", "OKP":
		if flags.Changed("size") {
			return spec, cli.IncompatibleFlagValue("size", "kty", k.Type)
		}
		if options := curves[k.Type]; k.Curve != "" && !contains(options, k.Curve) {
			return spec, fmt.Errorf("flag '--kty %s' is incompatible with flag '--crv %s'; options are %v", k.Type, k.Curve, options)
		}
	default:
		return spec, cli.InvalidValue("kty", k.Type, "EC", "OKP", "RSA")
	}
	return spec, nil
}

// curves are those that each kind of key can have.
var curves = map[string][]string{"EC": {"P-256", "P-384", "P-521"}, "OKP": {"Ed25519"}}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// decrypt opens an encrypted JWK with the password that pw gives, asking again
// while it is wrong and pw has more to say.
func decrypt(jwe string, pw keyfile.Password, prompt string) (*jose.JWK, error) {
	for attempt := 1; ; attempt++ {
		password, err := pw.Ask(prompt)
		if err != nil {
			return nil, err
		}
		jwk, err := jose.DecryptJWK(jwe, password)
		if !errors.Is(err, jose.ErrInvalidPassword) || attempt >= pw.Attempts {
			return jwk, err
		}
	}
}

// loadSigningKey reads the key that signs tokens: a JWK, plain or encrypted, or
// any private key file.
func loadSigningKey(env *cli.Env, name string, pw keyfile.Password) (any, error) {
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, err
	}
	text := bytes.TrimSpace(data)
	if jwe, err := jose.ParseJWE(string(text)); err == nil {
		serialized, err := jwe.CompactSerialize()
		if err != nil {
			return nil, fmt.Errorf("error reading %s: %w", name, err)
		}
		return decrypt(serialized, pw, "Please enter the password to decrypt "+name)
	}
	if bytes.HasPrefix(text, []byte("{")) {
		jwk, err := jose.ParseJWK(text)
		if err != nil {
			return nil, fmt.Errorf("error parsing %s: %w", name, err)
		}
		if _, ok := jwk.Key.(crypto.Signer); !ok {
			return nil, fmt.Errorf("error parsing %s: not a private key that can sign", name)
		}
		return jwk, nil
	}
	return keyfile.ParseSigner(name, data, pw)
}
