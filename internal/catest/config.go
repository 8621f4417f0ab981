package catest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	gojose "github.com/go-jose/go-jose/v4"

	"stepca/jose"
)

// provisionerKey is made once, and encrypted so that it is opened at once: with the
// iterations of a real one, tests of the command line would do little else.
var provisionerKey = sync.OnceValues(func() (key *provisionerKeyPair, err error) {
	key = new(provisionerKeyPair)
	if key.jwk, err = jose.GenerateJWK(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(key.jwk)
	if err != nil {
		return nil, err
	}
	const iterations = 1000
	enc, err := gojose.NewEncrypter(gojose.A256GCM,
		gojose.Recipient{Algorithm: gojose.PBES2_HS256_A128KW, Key: []byte(Password), PBES2Count: iterations},
		new(gojose.EncrypterOptions).WithContentType("jwk+json"))
	if err != nil {
		return nil, err
	}
	jwe, err := enc.Encrypt(text)
	if err != nil {
		return nil, err
	}
	key.encrypted, err = jwe.CompactSerialize()
	return key, err
})

type provisionerKeyPair struct {
	jwk       *jose.JWK
	encrypted string
}

func (c *CA) writeConfig(opts Options) {
	c.t.Helper()
	pair, err := provisionerKey()
	if err != nil {
		c.t.Fatal(err)
	}
	c.Key = pair.jwk
	cfg := map[string]any{
		"root": c.RootFile, "crt": filepath.Join(c.Dir, "intermediate_ca.crt"), "key": filepath.Join(c.Dir, "intermediate_ca_key"),
		"address": "127.0.0.1:0", "dnsNames": []any{"localhost", "127.0.0.1"},
		"db": map[string]any{"type": "memory"},
		"authority": map[string]any{"provisioners": []any{map[string]any{
			"type": "JWK", "name": "admin", "key": pair.jwk.Public(), "encryptedKey": pair.encrypted,
		}}},
	}
	if opts.SSH {
		c.addSSH(cfg)
	}
	if opts.Edit != nil {
		opts.Edit(cfg)
	}
	c.WriteConfig(cfg)
}

// WriteConfig replaces ca.json; Server.Reload takes it into use.
func (c *CA) WriteConfig(cfg map[string]any) {
	c.t.Helper()
	data, err := json.MarshalIndent(cfg, "", "\t")
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("ca.json", data)
}

// ReadConfig returns ca.json for a test to change.
func (c *CA) ReadConfig() map[string]any {
	c.t.Helper()
	data, err := os.ReadFile(c.ConfigFile)
	if err != nil {
		c.t.Fatal(err)
	}
	cfg := map[string]any{}
	if err := json.Unmarshal(data, &cfg); err != nil {
		c.t.Fatal(err)
	}
	return cfg
}
