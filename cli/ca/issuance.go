package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stepca/api"
	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// An issuance holds the flags of the commands that get a new certificate.
type issuance struct {
	conn     authority.Connection
	tokens   authority.TokenFlags
	data     cli.UserDataFlags
	validity cli.ValidityFlags
	acme     acmeFlags
	token    string
	force    bool
}

func (f *issuance) define(cmd *cobra.Command) {
	f.conn.Define(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefineLogin(cmd)
	f.tokens.DefinePassword(cmd)
	f.tokens.DefineCredentials(cmd)
	f.tokens.DefineX5CChain(cmd)
	f.data.Define(cmd)
	f.validity.Define(cmd)
	cmd.Flags().StringVar(&f.token, "token", "", "a one-time `token`, instead of making one")
	cli.Force(cmd, &f.force)
}

// A grant is the token to use, with what it says, and the CA that it is for; or
// the ACME server, which has no tokens.
type grant struct {
	client *client.Client
	token  string
	claims *client.TokenClaims
	kind   nouns.ProvisionerType

	// directory is the URL of the ACME server that names are proved to, "" for
	// none. client is nil if it is not a provisioner's.
	directory string
}

// authorize takes the token of --token or makes one for the subject; or it finds
// the ACME server to prove the names to. fingerprint, if not "", is that of the only
// request that may use the token.
func (f *issuance) authorize(env *cli.Env, cmd *cobra.Command, subject string, sans []string, fingerprint string) (*grant, error) {
	if err := f.acme.check(); err != nil {
		return nil, err
	}
	if f.acme.directory != "" && f.token == "" {
		return f.authorizeACME(cmd, &grant{directory: f.acme.directory})
	}
	if cli.Given(cmd, "acme") {
		return nil, cli.MutuallyExclusive("token", "acme")
	}
	if f.token != "" {
		return f.givenToken(env, cmd)
	}
	ctx := cmd.Context()
	c, err := f.conn.CA(ctx, env)
	if err != nil {
		return nil, err
	}
	p, err := f.tokens.Choose(ctx, env, c)
	if err != nil {
		return nil, err
	}
	if p.Is(nouns.TypeACME) {
		online, ok := c.(*client.Client)
		if !ok {
			return nil, errOfflineACME
		}
		return f.authorizeACME(cmd, &grant{client: online, directory: acmeDirectory(online, p.Name)})
	}
	if err := refuseACMEFlags(cmd); err != nil {
		return nil, err
	}
	user, err := f.data.Claim(env)
	if err != nil {
		return nil, err
	}
	made, err := f.conn.MintGrant(ctx, env, &f.tokens, c, p, client.TokenOptions{
		Route:              api.PathSign,
		Subject:            subject,
		SANs:               sans,
		RequestFingerprint: fingerprint,
		User:               user,
	})
	if err != nil {
		return nil, err
	}
	return newGrant(made)
}

// givenToken is the grant of --token.
func (f *issuance) givenToken(env *cli.Env, cmd *cobra.Command) (*grant, error) {
	if err := refuseACMEFlags(cmd); err != nil {
		return nil, err
	}
	given, err := f.conn.Grant(cmd.Context(), env, f.token)
	if err != nil {
		return nil, err
	}
	return newGrant(given)
}

var errOfflineACME = errors.New("offline mode and ACME are mutually exclusive")

// authorizeACME refuses flags that an ACME server cannot satisfy.
func (f *issuance) authorizeACME(cmd *cobra.Command, g *grant) (*grant, error) {
	if f.conn.Offline.Enabled {
		return nil, errOfflineACME
	}
	for _, name := range []string{"set", "set-file"} {
		if cli.Given(cmd, name) {
			return nil, cli.IncompatibleFlagWith(name, "ACME")
		}
	}
	return g, f.acme.checkListen(cmd)
}

// refuseACMEFlags refuses flags that only an ACME server can satisfy. Compatible:
// the reference takes --standalone, --webroot, --http-listen and --contact with any
// provisioner.
func refuseACMEFlags(cmd *cobra.Command) error {
	for _, name := range []string{"tls-alpn", "tls-listen", "dns-hook", "acme-profile", "eab-key-id", "eab-key-file", "attestation-uri"} {
		if cli.Given(cmd, name) {
			return requiresACME(name)
		}
	}
	if cmd.Flags().Changed("attestation-uri") { // the key is in a device, whoever says so
		return requiresACME("attestation-uri")
	}
	return nil
}

func requiresACME(flag string) error {
	return fmt.Errorf("flag '--%s' requires an ACME provisioner", flag)
}

func newGrant(g *authority.Grant) (*grant, error) {
	kind, err := authority.TokenType(g.Token)
	if err != nil {
		return nil, err
	}
	return &grant{client: g.Client, token: g.Token, claims: g.Claims, kind: kind}, nil
}

// obtain gets the certificate of a request with its chain, leaf first: by an order,
// or with the token.
func (f *issuance) obtain(ctx context.Context, env *cli.Env, g *grant, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	if g.directory != "" {
		return f.orderNamed(ctx, env, g, csr)
	}
	return f.sign(ctx, env, g, csr)
}

// sign asks the CA for the certificate of a request.
func (f *issuance) sign(ctx context.Context, env *cli.Env, g *grant, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	notBefore, notAfter, err := authority.Validity(&f.validity)
	if err != nil {
		return nil, err
	}
	data, err := f.data.JSON(env)
	if err != nil {
		return nil, err
	}
	f.conn.ShowCA(env, g.client)
	resp, err := g.client.Sign(ctx, &api.SignRequest{
		CSR:          api.CSRPEM{CertificateRequest: csr},
		Token:        g.token,
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		TemplateData: data,
	})
	if err != nil {
		return nil, err
	}
	chain := api.Certificates(resp.CertChain)
	if !keyfile.SamePublicKey(chain[0].PublicKey, csr.PublicKey) {
		return nil, errors.New("the certificate authority answered with a certificate for another key")
	}
	return chain, nil
}
