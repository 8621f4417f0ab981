package ssh

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

// loginFlags are those of step ssh login.
type loginFlags struct {
	issuance
	key        cli.KeyFlags
	identity   string
	principals []string
	addUser    bool
	comment    string
	insecure   bool
	force      bool
}

func login(env *cli.Env) *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use:   "login [<identity>]",
		Short: "get an SSH user certificate into ssh-agent",
		Long: `**step ssh login** makes a key, gets a user certificate for it, and adds both to
ssh-agent, which forgets them when the certificate expires. No file is written. If
the agent has a valid certificate for the identity already, nothing is done.

## POSITIONAL ARGUMENTS
<identity>
    Who logs in: an e-mail address or a login name.`,
		Example: `Log in for the day:
$ step ssh login alice@example.com

Log in with a shorter certificate and another login name on the hosts:
$ step ssh login alice@example.com --principal deploy --not-after 1h`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				f.identity = args[0]
			}
			return errors.Join(f.run(env, cmd), f.conn.Close())
		},
	}
	f.define(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefinePassword(cmd)
	f.defineToken(cmd)
	f.key.Define(cmd)
	principalFlag(cmd, &f.principals)
	addUserFlag(cmd, &f.addUser)
	commentFlag(cmd, &f.comment)
	identityFlag(cmd, &f.identity)
	cli.Insecure(cmd, &f.insecure)
	cmd.Flags().BoolVarP(&f.force, "force", "f", false, "get a certificate even if the agent has a valid one")
	cli.ShortFirst(cmd, "force")
	return cmd
}

func (f *loginFlags) run(env *cli.Env, cmd *cobra.Command) error {
	switch {
	case f.token != "" && f.tokens.PasswordFile != "":
		return cli.IncompatibleFlags("token", "provisioner-password-file")
	case f.addUser && len(f.principals) > 1:
		return cli.IncompatibleFlagWith("add-user", "more than one principal")
	case f.identity == "" && f.token != "":
		claims, err := client.ParseToken(f.token)
		if err != nil {
			return err
		}
		f.identity = cmp.Or(claims.Email, claims.Subject)
	case f.identity == "":
		return cli.MissingArgs(cmd, "identity")
	}
	a, err := connectAgent(env)
	if err != nil {
		return err
	}
	defer a.Close()
	if !f.force {
		present, err := f.present(env, cmd, a)
		if err != nil || present {
			return err
		}
	}
	key, err := f.key.Generate(f.insecure)
	if err != nil {
		return err
	}
	return f.login(cmd.Context(), env, a, key)
}

// present looks for a valid certificate of the identity in the agent, and
// removes those that have expired.
func (f *loginFlags) present(env *cli.Env, cmd *cobra.Command, a *sshAgent) (bool, error) {
	if f.conn.CAURL == "" && f.token != "" {
		return false, nil // the token is for this very login
	}
	c, err := f.conn.OpenForToken(cmd.Context(), env)
	if err != nil {
		return false, err
	}
	signers, err := userSigners(cmd.Context(), c)
	if err != nil {
		return false, err
	}
	certs, err := a.certificates(signers, f.commentInAgent())
	if err != nil {
		return false, err
	}
	for _, cert := range certs {
		if isValid(cert.Certificate, env.Now()) {
			env.Noticef("The key %s is already present in the SSH agent.", openSSHFingerprint.line(cert.Certificate, cert.comment))
			return true, nil
		}
		if isExpired(cert.Certificate, env.Now()) {
			if err := a.Remove(cert.Certificate); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func (f *loginFlags) commentInAgent() string { return cmp.Or(f.comment, f.identity) }

// login gets the certificate of key and adds it to the agent.
func (f *loginFlags) login(ctx context.Context, env *cli.Env, a *sshAgent, key crypto.Signer) error {
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return err
	}
	s, err := f.subject()
	if err != nil {
		return err
	}
	g, err := f.authorize(ctx, env, s)
	if err != nil {
		return err
	}
	s.keyID = cmp.Or(g.Claims.Email, g.Claims.Subject)
	var addKey crypto.Signer
	var addPub ssh.PublicKey
	if f.addUser {
		if addKey, err = keyfile.Generate(keyfile.KeySpec{}); err != nil {
			return err
		}
		if addPub, err = ssh.NewPublicKey(addKey.Public()); err != nil {
			return err
		}
	}
	resp, err := f.sign(ctx, env, g, s, pub, addPub, "")
	if err != nil {
		return err
	}
	if err := a.add(env, key, resp.Certificate.Certificate, f.commentInAgent()); err != nil {
		return err
	}
	if add := resp.AddUserCertificate; add != nil && addKey != nil {
		if err := a.add(env, addKey, add.Certificate, f.commentInAgent()); err != nil {
			return err
		}
		env.Selected("Add User Certificate", "yes")
	}
	env.Selected("SSH Agent", "yes")
	return nil
}

// loginBackdate lets a certificate work on hosts whose clock is behind.
const loginBackdate = time.Minute

func (f *loginFlags) subject() (*subject, error) {
	s := &subject{certType: ca.SSHUser, keyID: f.identity, principals: f.principals}
	if len(s.principals) == 0 {
		s.principals = []string{f.identity}
	}
	var err error
	if s.after, s.before, err = authority.Validity(&f.validity); err != nil {
		return nil, err
	}
	if s.after.IsZero() {
		s.after.Duration = -loginBackdate
	}
	return s, nil
}
