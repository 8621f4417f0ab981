package authority

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
	"stepca/cli/oidc"
	"stepca/client"
	"stepca/jose"
	"stepca/keyfile"
)

// A CA is what making a token needs of an authority, over HTTP or in this
// process.
type CA interface {
	Provisioners(ctx context.Context) ([]json.RawMessage, error)
	EncryptedKey(ctx context.Context, kid string) (string, error)
	RootFingerprint(ctx context.Context) (string, error)
	Audience() string // what audiences begin with
}

// Choose returns the provisioner to use, asking the user if the flags leave it
// open.
func (f *TokenFlags) Choose(ctx context.Context, env *cli.Env, authority CA) (*Provisioner, error) {
	list, err := authority.Provisioners(ctx)
	if err != nil {
		return nil, err
	}
	c := choice{types: f.types(), kid: f.KeyID, name: f.Provisioner}
	return c.choose(env, parseProvisioners(list))
}

// Mint makes a token in the name of a provisioner. The error names the type if
// that has no tokens that a client can make.
func (f *TokenFlags) Mint(ctx context.Context, env *cli.Env, authority CA, p *Provisioner, opts client.TokenOptions) (string, error) {
	switch {
	case p.Is(ca.TypeK8sSA):
		return f.serviceAccountToken(env)
	case p.Is(ca.TypeOIDC):
		return f.idToken(ctx, env, p)
	}
	signer := &client.TokenSigner{Provisioner: p.Name, Audience: authority.Audience(), Now: env.Now}
	var err error
	switch {
	case p.Is(ca.TypeJWK):
		signer.KeyID = p.Key.KeyID
		signer.Key, err = f.provisionerKey(ctx, env, authority, p)
		if err == nil && signer.KeyID == "" {
			signer.KeyID, err = jose.Thumbprint(signer.Key)
		}
	case p.Is(ca.TypeX5C):
		err = f.signWithX5C(ctx, env, signer)
	case p.Is(ca.TypeSSHPOP):
		err = f.signWithSSHPOP(env, signer, opts.Route)
	case p.Is(ca.TypeACME), p.Is(ca.TypeSCEP):
		return "", fmt.Errorf("step %s provisioners do not support token auth flows", p.canonicalType())
	default:
		return "", fmt.Errorf("this version of step cannot make tokens for provisioners of type %s; make one elsewhere and use the '--token' flag", p.canonicalType())
	}
	if err != nil {
		return "", err
	}
	if signer.RootFingerprint, err = authority.RootFingerprint(ctx); err != nil {
		return "", err
	}
	return signer.Token(opts)
}

// provisionerKey returns the private key of a JWK provisioner: that of --key, or
// the encrypted one that the CA keeps.
func (f *TokenFlags) provisionerKey(ctx context.Context, env *cli.Env, authority CA, p *Provisioner) (any, error) {
	pw := f.Password(env)
	if f.Key != "" {
		return loadSigningKey(env, f.Key, pw)
	}
	encrypted := p.EncryptedKey
	if encrypted == "" {
		var err error
		if encrypted, err = authority.EncryptedKey(ctx, p.Key.KeyID); err != nil {
			return nil, err
		}
	}
	key, err := decrypt(encrypted, pw, "Please enter the password to decrypt the provisioner key")
	if errors.Is(err, jose.ErrInvalidPassword) {
		return nil, cli.WithHint(err, f.wrongPassword(p))
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// wrongPassword says whose password is wanted, and where another was found.
func (f *TokenFlags) wrongPassword(p *Provisioner) string {
	if name := cmp.Or(f.PasswordFile, f.GeneralPasswordFile); name != "" {
		return "The password in " + name + " is not that of provisioner " + p.Name + "."
	}
	return "That is not the password of provisioner " + p.Name + "."
}

// signWithX5C gives the signer the key of an X.509 certificate, and the chain.
func (f *TokenFlags) signWithX5C(ctx context.Context, env *cli.Env, signer *client.TokenSigner) error {
	switch {
	case f.X5CCert == "":
		return cli.RequiredWithProvisionerType("X5C", "x5c-cert")
	case f.X5CKey == "":
		return cli.RequiredWithProvisionerType("X5C", "x5c-key")
	}
	chain, key, err := LoadPair(ctx, env, f.KMS, f.X5CCert, f.X5CKey, f.Password(env))
	if err != nil {
		return err
	}
	for _, name := range f.X5CChain {
		more, err := keyfile.LoadCertificates(name)
		if err != nil {
			return cli.FileError(err)
		}
		chain = append(chain, more...)
	}
	header := "x5c"
	if f.X5CInsecure {
		header = "x5cInsecure"
	}
	signer.Header = map[string]any{header: jose.EncodeChain(chain)}
	signer.Fragment = "x5c/" + signer.Provisioner
	return useKey(signer, key)
}

// idToken has the user log in to an OpenID provider.
func (f *TokenFlags) idToken(ctx context.Context, env *cli.Env, p *Provisioner) (string, error) {
	if u, err := url.Parse(f.RedirectURL); err != nil || f.RedirectURL != "" && u.Scheme != "https" && u.Scheme != "http" {
		return "", cli.InvalidValueReason("redirect-url", f.RedirectURL, "it must be the URL of a web page")
	}
	c := &oidc.Client{
		Provider:   p.ConfigurationEndpoint,
		ID:         p.ClientID,
		Secret:     p.ClientSecret,
		Scopes:     p.Scopes,
		AuthParams: p.AuthParams,
		Listen:     p.ListenAddress,

		SuccessPage: f.RedirectURL,
	}
	token, err := c.LogIn(ctx, env, f.Console)
	if err != nil {
		return "", fmt.Errorf("error generating OIDC token: %w", err)
	}
	return token, nil
}

// serviceAccountToken returns the token that Kubernetes gave.
func (f *TokenFlags) serviceAccountToken(env *cli.Env) (string, error) {
	name := f.K8sSATokenPath
	if name == "" {
		name = "/var/run/secrets/kubernetes.io/serviceaccount/token"
	}
	b, err := env.ReadFile(name)
	return strings.TrimSpace(string(b)), err
}

// signWithSSHPOP gives the signer the key of an SSH certificate, and that.
func (f *TokenFlags) signWithSSHPOP(env *cli.Env, signer *client.TokenSigner, route string) error {
	switch {
	case route != api.PathSSHRenew && route != api.PathSSHRekey && route != api.PathSSHRevoke:
		return errors.New("SSHPOP provisioners only renew, rekey and revoke SSH certificates; use another provisioner")
	case f.SSHPOPCert == "":
		return cli.RequiredWithProvisionerType("SSHPOP", "sshpop-cert")
	case f.SSHPOPKey == "":
		return cli.RequiredWithProvisionerType("SSHPOP", "sshpop-key")
	}
	cert, err := f.sshpop(env)
	if err != nil {
		return err
	}
	key, err := keyfile.LoadSigner(f.SSHPOPKey, f.Password(env))
	if err != nil {
		return cli.FileError(err)
	}
	if pub, err := ssh.NewPublicKey(key.Public()); err != nil || !bytes.Equal(pub.Marshal(), cert.Key.Marshal()) {
		return fmt.Errorf("the key in %s is not that of the certificate in %s", f.SSHPOPKey, f.SSHPOPCert)
	}
	signer.Header = map[string]any{"sshpop": base64.StdEncoding.EncodeToString(cert.Marshal())}
	signer.Fragment = "sshpop/" + signer.Provisioner
	return useKey(signer, key)
}

// sshpop is the certificate of --sshpop-cert. It may come from a pipe, which can be
// read only once.
func (f *TokenFlags) sshpop(env *cli.Env) (*ssh.Certificate, error) {
	if f.SSHPOP != nil {
		return f.SSHPOP, nil
	}
	data, err := env.ReadFile(f.SSHPOPCert)
	if err != nil {
		return nil, err
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil, fmt.Errorf("error parsing %s: not an SSH certificate", f.SSHPOPCert)
	}
	cert, ok := pub.(*ssh.Certificate)
	if !ok {
		return nil, fmt.Errorf("error parsing %s: an SSH public key, not a certificate", f.SSHPOPCert)
	}
	return cert, nil
}

// useKey makes the signer sign with key, which its thumbprint names.
func useKey(signer *client.TokenSigner, key crypto.Signer) (err error) {
	signer.Key = key
	signer.KeyID, err = jose.Thumbprint(key)
	return err
}
