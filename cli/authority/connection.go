package authority

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/client"
)

// A Connection holds the flags that say which CA to talk to and whom to trust.
type Connection struct {
	CAURL string
	Root  string // PEM file; "" means that of env.Path, if it is there

	Offline offlineFlags
}

// bootstrapHint tells those who meet an authority for the first time.
const bootstrapHint = "Or run 'step ca bootstrap' once, which keeps the address and the root certificate of an authority."

// Define defines --ca-url, --root and --context.
func (c *Connection) Define(cmd *cobra.Command) {
	c.DefineURL(cmd)
	cmd.Flags().StringVar(&c.Root, "root", "", "a PEM `file` with the root certificates to trust")
}

// DefineURL defines --ca-url and --context only.
func (c *Connection) DefineURL(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.CAURL, "ca-url", "", "the `address` of the certificate authority")
	cli.ContextFlag(cmd)
}

// URL returns the address of the CA, and missing if there is none.
func (c *Connection) URL(missing error) (string, error) {
	if c.CAURL == "" {
		return "", cli.WithHint(missing, bootstrapHint)
	}
	u, err := client.ParseURL(c.CAURL)
	if err != nil {
		return "", cli.InvalidValueReason("ca-url", c.CAURL, err.Error())
	}
	return u.String(), nil
}

// RootFile returns the file with the roots to trust: that of --root, else that of
// the user's files, else missing.
func (c *Connection) RootFile(env *cli.Env, missing error) (string, error) {
	if c.Root != "" {
		return c.Root, nil
	}
	if _, err := os.Stat(env.Path.Root()); err != nil {
		return "", cli.WithHint(missing, bootstrapHint)
	}
	return env.Path.Root(), nil
}

// Open returns a client of the CA. Close the Connection afterwards.
func (c *Connection) Open(ctx context.Context, env *cli.Env, cmd *cobra.Command) (*client.Client, error) {
	return c.open(ctx, env, cli.RequiredFlag(cmd, "ca-url"), cli.RequiredFlag(cmd, "root"))
}

// OpenForToken is Open for commands that take a --token instead, as their errors
// say.
func (c *Connection) OpenForToken(ctx context.Context, env *cli.Env) (*client.Client, error) {
	return c.open(ctx, env, cli.RequiredUnlessFlag("ca-url", "token"), cli.RequiredUnlessFlag("root", "token"))
}

func (c *Connection) open(ctx context.Context, env *cli.Env, noURL, noRoot error) (*client.Client, error) {
	if c.Offline.Enabled {
		return c.Offline.client(ctx, env)
	}
	url, err := c.URL(noURL)
	if err != nil {
		return nil, err
	}
	root, err := c.RootFile(env, noRoot)
	if err != nil {
		return nil, err
	}
	cl, err := client.New(ctx, url, client.Config{RootFile: root, UserAgent: env.UserAgent()})
	return cl, cli.FileError(err)
}

// openWithToken returns a client of the CA that a token is for. If the token
// holds the fingerprint of a root, only that root is trusted; otherwise flags
// and files must say whom to trust.
func (c *Connection) openWithToken(ctx context.Context, env *cli.Env, token *client.TokenClaims) (*client.Client, error) {
	if c.Offline.Enabled {
		return c.Offline.client(ctx, env)
	}
	url, fingerprint, err := token.Authority()
	if err != nil {
		return c.OpenForToken(ctx, env)
	}
	if c.CAURL != "" {
		if url, err = c.URL(nil); err != nil {
			return nil, err
		}
	}
	return client.New(ctx, url, client.Config{Fingerprint: fingerprint, UserAgent: env.UserAgent()})
}
