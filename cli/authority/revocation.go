package authority

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/client"
)

// RevocationFlags say why a certificate is revoked, and with which token.
type RevocationFlags struct {
	Token        string
	reason, code string
}

// Define defines --token, --reason and --reasonCode.
func (f *RevocationFlags) Define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Token, "token", "", "a one-time `token`, instead of making one")
	flags.StringVar(&f.reason, "reason", "", "why, as free `text`")
	flags.StringVar(&f.code, "reasonCode", "", "why, as a `code` of RFC 5280: a number from 0 to 10 or a name such as keyCompromise")
}

// Request is the request without serial number and token.
func (f *RevocationFlags) Request(conn *Connection) (*api.RevokeRequest, error) {
	if conn.Offline.Enabled && f.Token != "" {
		return nil, cli.IncompatibleFlags("offline", "token")
	}
	code, err := parseReasonCode(f.code)
	if err != nil {
		return nil, err
	}
	return &api.RevokeRequest{ReasonCode: code, Reason: f.reason, Passive: true}, nil
}

// Authorize gives a request whose serial number is set the token of --token, or
// makes one for the route, and returns a client to send it with.
func (f *RevocationFlags) Authorize(ctx context.Context, env *cli.Env, conn *Connection, tokens *TokenFlags, req *api.RevokeRequest, route string) (*client.Client, error) {
	if req.Token = f.Token; req.Token == "" {
		ca, p, err := conn.choose(ctx, env, tokens)
		if err != nil {
			return nil, err
		}
		if req.Token, err = tokens.Mint(ctx, env, ca, p, client.TokenOptions{Route: route, Subject: req.Serial}); err != nil {
			return nil, err
		}
	}
	claims, err := client.ParseToken(req.Token)
	if err != nil {
		return nil, fmt.Errorf("error parsing flag '--token': %w", err)
	}
	if claims.Subject != req.Serial {
		return nil, fmt.Errorf("token subject '%s' and serial number '%s' do not match", claims.Subject, req.Serial)
	}
	return conn.openWithToken(ctx, env, claims)
}
