package authority

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"stepca/cli"
	"stepca/jose"
	"stepca/keyfile"
)

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
