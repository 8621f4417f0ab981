package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// A possession holds the flags of the commands in which a certificate vouches
// for its own successor, by its key.
type possession struct {
	conn   authority.Connection
	tokens authority.TokenFlags
	force  bool
}

func (f *possession) define(cmd *cobra.Command) {
	f.conn.Define(cmd)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefinePassword(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineSSHPOP(cmd)
	cli.Force(cmd, &f.force)
}

// load reads the certificate, and makes it and its key the credentials, unless
// others are given.
func (f *possession) load(env *cli.Env, crtFile, keyFile string) (cert *ssh.Certificate, comment string, err error) {
	data, err := env.ReadFile(crtFile)
	if err != nil {
		return nil, "", fmt.Errorf("error reading ssh certificate from %s: %w", crtFile, errors.Unwrap(err))
	}
	key, comment, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(data))
	if err != nil {
		return nil, "", fmt.Errorf("error parsing ssh public key from %s: %w", crtFile, err)
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, "", errors.New("error casting ssh public key to ssh certificate")
	}
	if f.tokens.SSHPOPCert == "" && f.tokens.SSHPOPKey == "" {
		f.tokens.SSHPOPCert, f.tokens.SSHPOPKey, f.tokens.SSHPOP = crtFile, keyFile, cert
	}
	return cert, comment, nil
}

// authorize makes the token with which the certificate vouches for what a route
// does.
func (f *possession) authorize(ctx context.Context, env *cli.Env, serial uint64, route string) (*authority.Grant, error) {
	return f.conn.MakeGrant(ctx, env, &f.tokens, client.TokenOptions{Route: route, Subject: strconv.FormatUint(serial, 10)})
}

// checkKey makes sure that a private key file belongs to a certificate, so that
// no certificate is written beside a key that is not its own.
func (f *possession) checkKey(env *cli.Env, cert *ssh.Certificate, keyFile string) error {
	if f.tokens.SSHPOPKey == keyFile {
		return nil // the token proves it
	}
	key, err := keyfile.LoadSigner(keyFile, f.tokens.Password(env))
	if err != nil {
		return cli.FileError(err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil || !bytes.Equal(pub.Marshal(), cert.Key.Marshal()) {
		return fmt.Errorf("the key in %s is not that of the certificate", keyFile)
	}
	return nil
}
