package ssh

import (
	"errors"

	"github.com/spf13/cobra"

	"stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
)

// certificateFlags are those of step ssh certificate.
type certificateFlags struct {
	issuance
	key        cli.KeyFlags
	password   newKeyPassword
	host       bool
	hostID     string
	principals []string
	addUser    bool
	sign       bool
	privateKey string
	noAgent    bool
	comment    string
	force      bool
}

func certificate(env *cli.Env) *cobra.Command {
	var f certificateFlags
	cmd := &cobra.Command{
		Use:   "certificate <key-id> <key-file>",
		Short: "make an SSH key and get a certificate for it",
		Long: `**step ssh certificate** makes an SSH key, gets a certificate for it, and writes the
private key to <key-file>, the public key to <key-file>.pub and the certificate to
<key-file>-cert.pub, where OpenSSH looks for them. With --sign it gets a certificate
for a key that is there. User certificates are added to ssh-agent too.

## POSITIONAL ARGUMENTS
<key-id>
    Who the certificate is for: an e-mail address or login name of a user, the name
    of a host. Servers write it to their logs.

<key-file>
    The private key file to write; with --sign the public key file to read.`,
		Example: `Get a user certificate:
$ step ssh certificate alice@example.com id_ecdsa

Get one for other login names, for an hour:
$ step ssh certificate alice@example.com id_ecdsa --principal deploy --not-after 1h

Get a certificate for the key of a host:
$ step ssh certificate --host --sign server.example.com /etc/ssh/ssh_host_ecdsa_key.pub

Get one without a terminal:
$ step ssh certificate alice@example.com id_ecdsa --provisioner admin --provisioner-password-file password.txt --no-password --insecure`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args[0], args[1]), f.conn.Close())
		},
	}
	f.define(cmd, &f.password.file)
	f.defineToken(cmd)
	cmd.Flags().StringVar(&f.tokens.PasswordFile, "provisioner-password-file", "", "a `file` with the password of the key that signs the token")
	f.tokens.DefineCredentials(cmd)
	f.tokens.DefineX5CChain(cmd)
	f.key.Define(cmd)
	f.password.define(cmd)
	principalFlag(cmd, &f.principals)
	addUserFlag(cmd, &f.addUser)
	commentFlag(cmd, &f.comment)
	flags := cmd.Flags()
	flags.BoolVar(&f.host, "host", false, "get a host certificate instead of a user certificate")
	flags.StringVar(&f.hostID, "host-id", "", "the `UUID` of the host, or \"machine\" to derive it from /etc/machine-id")
	flags.BoolVar(&f.sign, "sign", false, "get a certificate for the public key in <key-file>")
	flags.StringVar(&f.privateKey, "private-key", "", "with --sign, the private key `file`, to add both to ssh-agent")
	flags.BoolVar(&f.noAgent, "no-agent", false, "do not add the key to ssh-agent")
	cli.Force(cmd, &f.force)
	return cmd
}

func principalFlag(cmd *cobra.Command, value *[]string) {
	cmd.Flags().StringArrayVarP(value, "principal", "n", nil, "a login name of the user or name of the host, as a `principal` of the certificate, repeatable")
}

func addUserFlag(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "add-user", false, "get a second certificate too, with which the user is created on hosts")
}

func commentFlag(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "comment", "", "the `comment` of the key in ssh-agent; the default is its subject")
}

func (f *certificateFlags) run(env *cli.Env, cmd *cobra.Command, keyID, keyFile string) error {
	switch "" {
	case keyID:
		return cli.MissingArgs(cmd, "key-id")
	case keyFile:
		return cli.MissingArgs(cmd, "key-file")
	}
	f.password.taken = f.conn.Offline.Enabled
	s, err := f.subject(keyID)
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	job := signing{certificateFlags: f, env: env, subject: s, base: keyFile}
	if job.hostID, err = parseHostID(f.hostID); err != nil {
		return err
	}
	if err := job.prepare(); err != nil {
		return err
	}
	// Before a token is made, which would be spent in vain.
	if err := env.MayWriteAll(f.force, job.outputs()...); err != nil {
		return err
	}
	return job.run(cmd.Context())
}

func (f *certificateFlags) check(cmd *cobra.Command) error {
	for _, c := range []struct {
		wrong bool
		err   error
	}{
		{f.token != "" && f.tokens.PasswordFile != "", cli.IncompatibleFlags("token", "provisioner-password-file")},
		{f.host && f.addUser, cli.IncompatibleFlags("host", "add-user")},
		{!f.host && f.hostID != "", cli.RequiredWithFlag("host-id", "host")},
		{f.addUser && len(f.principals) > 1, cli.IncompatibleFlagWith("add-user", "more than one principal")},
		{f.privateKey != "" && !f.sign, cli.RequiredWithFlag("private-key", "sign")},
		// The key that is certified is in a file.
		{cli.Given(cmd, "kms") && f.tokens.X5CKey == "", cli.RequiredWithFlag("kms", "x5c-key")},
		{f.sign && f.key.Used() != "", cli.IncompatibleFlags("sign", f.key.Used())},
	} {
		if c.wrong {
			return c.err
		}
	}
	return f.password.check(cmd)
}

func (f *certificateFlags) subject(keyID string) (*subject, error) {
	s := &subject{certType: ca.SSHUser, keyID: keyID, principals: f.principals}
	var err error
	if s.after, s.before, err = authority.Validity(&f.validity); err != nil {
		return nil, err
	}
	switch {
	case f.host:
		s.certType = ca.SSHHost
		if len(s.principals) == 0 {
			s.principals = []string{keyID}
		}
	case len(s.principals) == 0:
		s.principals = userPrincipals(keyID)
	}
	return s, nil
}
