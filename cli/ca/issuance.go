package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stepca/api"
	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
)

// An issuance holds the flags of the commands that get a new certificate.
type issuance struct {
	conn     authority.Connection
	tokens   authority.TokenFlags
	data     cli.UserDataFlags
	validity cli.ValidityFlags
	acme     acmeFlags
	token    string
	sans     []string // --san of step ca certificate
	force    bool
	onlyACME string // a flag that other provisioners cannot satisfy; "" for none
}

func (f *issuance) define(cmd *cobra.Command) {
	f.conn.Define(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefineConsole(cmd)
	f.tokens.DefinePassword(cmd)
	f.tokens.DefineX5C(cmd)
	f.tokens.DefineX5CChain(cmd)
	f.tokens.DefineNebula(cmd)
	f.tokens.DefineK8sSA(cmd)
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

// authorize takes the token of --token or makes one for the subject.
// fingerprint, if not "", is that of the only request that may use it.
func (f *issuance) authorize(ctx context.Context, env *cli.Env, subject string, sans []string, fingerprint string) (*grant, error) {
	if err := f.acme.check(); err != nil {
		return nil, err
	}
	if f.token != "" {
		given, err := f.conn.Grant(ctx, env, f.token)
		if err != nil {
			return nil, err
		}
		return newGrant(given)
	}
	if f.acme.directory != "" {
		return &grant{directory: f.acme.directory}, nil
	}
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
			return nil, errors.New("offline mode and ACME are mutually exclusive")
		}
		return &grant{client: online, directory: acmeDirectory(online, p.Name)}, nil
	}
	if f.onlyACME != "" {
		return nil, fmt.Errorf("flag '--%s' requires an ACME provisioner", f.onlyACME)
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

func newGrant(g *authority.Grant) (*grant, error) {
	kind, err := authority.TokenType(g.Token)
	if err != nil {
		return nil, err
	}
	return &grant{client: g.Client, token: g.Token, claims: g.Claims, kind: kind}, nil
}

// names returns the common name and the alternative names to ask for, by what
// the token's type lets its holder choose.
func (f *issuance) names(g *grant, subject string) (commonName string, sans []string, err error) {
	switch g.kind {
	case nouns.TypeJWK, nouns.TypeX5C, nouns.TypeNebula:
		if f.token != "" && g.kind == nouns.TypeJWK && len(f.sans) > 0 {
			return "", nil, cli.MutuallyExclusive("token", "san")
		}
		if !strings.EqualFold(g.claims.Subject, subject) {
			return "", nil, fmt.Errorf("token subject '%s' and argument '%s' do not match", g.claims.Subject, subject)
		}
		sans = unique(append(slices.Clone(g.claims.SANs), f.sans...))
		if len(sans) == 0 {
			sans = []string{subject}
		}
		return g.claims.Subject, sans, nil
	case nouns.TypeOIDC:
		if len(f.sans) == 0 && strings.EqualFold(subject, g.claims.Email) {
			return g.claims.Subject, []string{g.claims.Email, g.claims.Issuer + "#" + g.claims.Subject}, nil
		}
		if len(f.sans) == 0 {
			return subject, []string{subject}, nil
		}
	}
	return subject, unique(f.sans), nil
}

// unique drops repetitions, keeping the first of each.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// sign asks the CA for the certificate.
func (f *issuance) sign(ctx context.Context, env *cli.Env, g *grant, csr *x509.CertificateRequest) (*api.SignResponse, error) {
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
	if leaf := api.Certificates(resp.CertChain)[0]; !sameKey(leaf, csr.PublicKey) {
		return nil, errors.New("the certificate authority answered with a certificate for another key")
	}
	return resp, nil
}
