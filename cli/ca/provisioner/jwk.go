package provisioner

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/jose"
	"stepca/jsonobject"
	"stepca/keyfile"
)

// keyFlags give a JWK provisioner its key, and a K8sSA provisioner its keys.
type keyFlags struct {
	create       bool
	publicKey    string
	privateKey   string
	passwordFile string
}

func (f *keyFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.create, "create", false, "JWK: make a new key pair")
	flags.StringVar(&f.publicKey, "public-key", "", "JWK: the `file` with the public key; K8SSA: the file with the public keys in PEM")
	flags.StringVar(&f.privateKey, "private-key", "", "JWK: the `file` with the private key, which is stored encrypted")
	flags.StringVar(&f.passwordFile, "password-file", "", "JWK: a `file` with the password to encrypt the private key with")
}

// check refuses flags that do not go together.
func (f *keyFlags) check() error {
	switch {
	case f.create && f.publicKey != "":
		return cli.IncompatibleFlagWith("create", "public-key")
	case f.create && f.privateKey != "":
		return cli.IncompatibleFlagWith("create", "private-key")
	}
	return nil
}

// apply sets the key of a JWK provisioner.
func (f *keyFlags) apply(env *cli.Env, cmd *cobra.Command, p *jsonobject.Object) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.create {
		key, err := jose.GenerateJWK()
		if err != nil {
			return err
		}
		if err := setPublic(p, key); err != nil {
			return err
		}
		return f.setPrivate(env, p, key)
	}
	if f.publicKey != "" {
		key, err := loadPublic(env, f.publicKey)
		if err != nil {
			return err
		}
		if err := setPublic(p, key); err != nil {
			return err
		}
	}
	switch {
	case f.privateKey != "":
		return f.applyPrivate(env, p)
	case cmd.Flags().Changed("private-key"): // empty: the provisioner keeps it elsewhere
		return p.Remove("encryptedKey")
	}
	return nil
}

// applyPEM sets the keys of a K8sSA provisioner.
func (f *keyFlags) applyPEM(env *cli.Env, p *jsonobject.Object) error {
	data, err := env.ReadFile(f.publicKey)
	if err != nil {
		return err
	}
	if block, _ := pem.Decode(data); block == nil {
		return fmt.Errorf("error parsing %s: no PEM block", f.publicKey)
	}
	return p.Set("publicKeys", data)
}

// applyPrivate stores the key of --private-key: as it is if it is encrypted,
// else encrypted now.
func (f *keyFlags) applyPrivate(env *cli.Env, p *jsonobject.Object) error {
	data, err := env.ReadFile(f.privateKey)
	if err != nil {
		return err
	}
	data = bytes.TrimSpace(data)
	if jwe, err := jose.ParseJWE(string(data)); err == nil {
		compact, err := jwe.CompactSerialize()
		if err != nil {
			return fmt.Errorf("error reading %s: %w", f.privateKey, err)
		}
		return p.Set("encryptedKey", compact)
	}
	key, err := parseJWK(f.privateKey, data)
	if err != nil {
		return err
	}
	if key.IsPublic() {
		return fmt.Errorf("error parsing %s: not a private key", f.privateKey)
	}
	return f.setPrivate(env, p, key)
}

func (f *keyFlags) setPrivate(env *cli.Env, p *jsonobject.Object, key *jose.JWK) error {
	password, err := authority.NewPassword(env, f.passwordFile, "password-file",
		"Please enter a password to encrypt the provisioner private key? [leave empty and we'll generate one]")
	if err != nil {
		return err
	}
	jwe, err := jose.EncryptJWK(key, password.Reveal())
	if err != nil {
		return err
	}
	compact, err := jwe.CompactSerialize()
	if err != nil {
		return err
	}
	return p.Set("encryptedKey", compact)
}

func setPublic(p *jsonobject.Object, key *jose.JWK) error { return p.Set("key", key.Public()) }

// loadPublic reads a public key: a JWK, or anything that keyfile reads. Of a
// private key it is the public half.
func loadPublic(env *cli.Env, name string) (*jose.JWK, error) {
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSpace(data)
	if bytes.HasPrefix(data, []byte("{")) {
		return parseJWK(name, data)
	}
	pub, err := keyfile.ParsePublicKey(name, data, keyfile.Password{})
	if err != nil {
		return nil, err
	}
	return jose.NewJWK(pub, jose.JWKParams{})
}

// parseJWK parses a JWK with a key pair's key; one without a key ID gets its
// thumbprint.
func parseJWK(name string, data []byte) (*jose.JWK, error) {
	key, err := jose.ParseJWK(data)
	if err != nil {
		return nil, fmt.Errorf("error parsing %s: %w", name, err)
	}
	if _, symmetric := key.Key.([]byte); symmetric {
		return nil, errors.New("invalid JWK: a symmetric key cannot be used as a provisioner")
	}
	if key.KeyID == "" {
		if key.KeyID, err = jose.Thumbprint(key); err != nil {
			return nil, err
		}
	}
	return key, nil
}
