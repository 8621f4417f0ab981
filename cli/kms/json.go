package kms

import (
	"encoding/json"

	"stepca/cli"
	"stepca/keyfile"
	"stepca/kms"
)

// A listedKey is a key in JSON.
type listedKey struct {
	Name      string `json:"name"`      // URI
	PublicKey string `json:"publicKey"` // PEM
}

func newListedKey(k kms.Key) (listedKey, error) {
	text, err := keyfile.EncodePublicKey(k.Public)
	return listedKey{k.URI, string(text)}, err
}

// writeJSON writes a value to standard output.
func writeJSON(env *cli.Env, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = env.Stdout.Write(append(data, '\n'))
	return err
}
