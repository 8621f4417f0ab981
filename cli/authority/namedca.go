package authority

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
	"stepca/client"
	"stepca/keyfile"
)

// A namedCA is a CA of which this machine knows an address and a root only, and
// which is not asked. Its one provisioner is what the user says of it.
type namedCA struct {
	audience    string
	fingerprint string
	provisioner json.RawMessage
}

// CAForToken is CA for a command that only makes a token. With --offline it does
// without a configuration file, if the flags have all that the token needs: the
// address and root of the CA, the name of the provisioner, and a key.
func (c *Connection) CAForToken(ctx context.Context, env *cli.Env, f *TokenFlags) (CA, error) {
	if c.Offline.Enabled && c.Offline.CAConfig == "" {
		if _, err := os.Stat(c.Offline.file(env)); errors.Is(err, fs.ErrNotExist) {
			return c.named(env, f)
		}
	}
	return c.CA(ctx, env)
}

func (c *Connection) named(env *cli.Env, f *TokenFlags) (*namedCA, error) {
	typ := ca.TypeJWK
	if types := f.types(); types != nil {
		typ = types[0]
	}
	switch {
	case f.Provisioner == "":
		return nil, cli.RequiredWithFlag("offline", "provisioner")
	case typ == ca.TypeJWK && f.Key == "":
		return nil, cli.RequiredWithFlag("offline", "key")
	}
	url, err := c.URL(cli.RequiredWithFlag("offline", "ca-url"))
	if err != nil {
		return nil, err
	}
	file, err := c.RootFile(env, cli.RequiredWithFlag("offline", "root"))
	if err != nil {
		return nil, err
	}
	roots, err := keyfile.LoadCertificates(file)
	if err != nil {
		return nil, cli.FileError(err)
	}
	p, err := json.Marshal(map[string]any{
		"type": typ.String(), "name": f.Provisioner, "clientID": f.KeyID, "key": map[string]string{"kid": f.KeyID},
	})
	return &namedCA{audience: url + api.Prefix, fingerprint: client.Fingerprint(roots[0]), provisioner: p}, err
}

func (n *namedCA) Provisioners(context.Context) ([]json.RawMessage, error) {
	return []json.RawMessage{n.provisioner}, nil
}

// EncryptedKey is never asked for: a JWK provisioner's key is that of --key.
func (n *namedCA) EncryptedKey(context.Context, string) (string, error) {
	return "", cli.RequiredWithFlag("offline", "key")
}

func (n *namedCA) RootFingerprint(context.Context) (string, error) { return n.fingerprint, nil }
func (n *namedCA) Audience() string                                { return n.audience }
