package authority

import (
	"context"
	"fmt"

	"stepca/cli"
	"stepca/client"
)

// A Grant is a token, what it says, and a client of the CA that it is for.
type Grant struct {
	Client *client.Client
	Token  string
	Claims *client.TokenClaims // not verified
}

// Grant takes the token of --token.
func (c *Connection) Grant(ctx context.Context, env *cli.Env, token string) (*Grant, error) {
	if c.Offline.Enabled {
		return nil, cli.IncompatibleFlags("offline", "token")
	}
	claims, err := client.ParseToken(token)
	if err != nil {
		return nil, fmt.Errorf("error parsing flag '--token': %w", err)
	}
	return c.grant(ctx, env, token, claims)
}

// MakeGrant makes a token in the name of the provisioner that the flags choose.
func (c *Connection) MakeGrant(ctx context.Context, env *cli.Env, f *TokenFlags, opts client.TokenOptions) (*Grant, error) {
	authority, p, err := c.choose(ctx, env, f)
	if err != nil {
		return nil, err
	}
	return c.MintGrant(ctx, env, f, authority, p, opts)
}

// MintGrant makes a token in the name of a provisioner of the authority, which is
// what CA has returned.
func (c *Connection) MintGrant(ctx context.Context, env *cli.Env, f *TokenFlags, authority CA, p *Provisioner, opts client.TokenOptions) (*Grant, error) {
	token, err := f.Mint(ctx, env, authority, p, opts)
	if err != nil {
		return nil, err
	}
	claims, err := client.ParseToken(token)
	if err != nil {
		return nil, err
	}
	return c.grant(ctx, env, token, claims)
}

func (c *Connection) choose(ctx context.Context, env *cli.Env, f *TokenFlags) (CA, *Provisioner, error) {
	authority, err := c.CA(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	p, err := f.Choose(ctx, env, authority)
	return authority, p, err
}

func (c *Connection) grant(ctx context.Context, env *cli.Env, token string, claims *client.TokenClaims) (*Grant, error) {
	cl, err := c.openWithToken(ctx, env, claims)
	if err != nil {
		return nil, err
	}
	return &Grant{cl, token, claims}, nil
}

// ShowCA tells the user which CA is going to be asked, if one is.
func (c *Connection) ShowCA(env *cli.Env, cl *client.Client) {
	if !c.Offline.Enabled {
		env.Selected("CA", cl.URL())
	}
}
