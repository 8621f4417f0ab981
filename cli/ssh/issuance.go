package ssh

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
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
	token    string
}

// define defines those flags that all these commands have. passwordFile is the
// value of --password-file, which is the command's own.
func (f *issuance) define(cmd *cobra.Command, passwordFile *string) {
	f.conn.Define(cmd)
	f.conn.DefineOffline(cmd, passwordFile)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefineLogin(cmd)
	f.data.Define(cmd)
}

// defineToken defines --token, --not-before and --not-after.
func (f *issuance) defineToken(cmd *cobra.Command) {
	f.validity.Define(cmd)
	cmd.Flags().StringVar(&f.token, "token", "", "a one-time `token`, instead of making one")
}

// A subject is what a certificate is to say.
type subject struct {
	certType   ca.SSHCertType
	keyID      string
	principals []string
	after      ca.TimeOrDuration // durations count from when the CA signs
	before     ca.TimeOrDuration
}

// authorize takes the token of --token or makes one for the subject.
func (f *issuance) authorize(ctx context.Context, env *cli.Env, s *subject) (*authority.Grant, error) {
	if f.token != "" {
		return f.conn.Grant(ctx, env, f.token)
	}
	user, err := f.data.Claim(env)
	if err != nil {
		return nil, err
	}
	return f.conn.MakeGrant(ctx, env, &f.tokens, client.TokenOptions{
		Route:   api.PathSSHSign,
		Subject: s.keyID,
		User:    user,
		SSH: &ca.SSHOptions{
			CertType:    s.certType,
			KeyID:       s.keyID,
			Principals:  s.principals,
			ValidAfter:  s.after,
			ValidBefore: s.before,
		},
	})
}

// sign asks the CA for the certificate of a key, and for one of addUser, which
// may be nil, to create the user with. hostID goes into the X.509 identity of a
// host, if the CA wants its clients to have one.
func (f *issuance) sign(ctx context.Context, env *cli.Env, g *authority.Grant, s *subject, key, addUser ssh.PublicKey, hostID string) (*api.SSHSignResponse, error) {
	data, err := f.data.JSON(env)
	if err != nil {
		return nil, err
	}
	req := &api.SSHSignRequest{
		PublicKey:    key.Marshal(),
		Token:        g.Token,
		CertType:     s.certType,
		KeyID:        s.keyID,
		Principals:   s.principals,
		ValidAfter:   s.after,
		ValidBefore:  s.before,
		TemplateData: data,
	}
	if addUser != nil {
		req.AddUserPublicKey = addUser.Marshal()
	}
	identity, err := newIdentity(ctx, env, g, s, hostID)
	if err != nil {
		return nil, err
	}
	if identity != nil {
		req.IdentityCSR.CertificateRequest = identity.csr
	}
	f.conn.ShowCA(env, g.Client)
	resp, err := g.Client.SSHSign(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := checkCertificate(resp.Certificate.Certificate, key, s.certType); err != nil {
		return nil, err
	}
	if add := resp.AddUserCertificate; add != nil && addUser != nil {
		if err := checkCertificate(add.Certificate, addUser, ca.SSHUser); err != nil {
			return nil, err
		}
	}
	return resp, identity.save(resp.IdentityCertificate)
}

// checkCertificate makes sure that an answer is what was asked for.
func checkCertificate(cert *ssh.Certificate, key ssh.PublicKey, typ ca.SSHCertType) error {
	if cert == nil || !bytes.Equal(cert.Key.Marshal(), key.Marshal()) {
		return errors.New("the certificate authority answered with a certificate for another key")
	}
	if got := certType(cert); got != string(cmp.Or(typ, ca.SSHUser)) {
		return fmt.Errorf("the certificate authority answered with a %s certificate, not with a %s certificate", got, typ)
	}
	return nil
}
