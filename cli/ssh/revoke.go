package ssh

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
)

// revokeFlags are those of step ssh revoke.
type revokeFlags struct {
	conn       authority.Connection
	tokens     authority.TokenFlags
	revocation authority.RevocationFlags
}

func revoke(env *cli.Env) *cobra.Command {
	var f revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke [<serial-number>]",
		Short: "revoke an SSH certificate",
		Long: `**step ssh revoke** revokes the certificate with a serial number, or, with
--sshpop-cert and --sshpop-key, the certificate in a file. Afterwards it cannot be
renewed, and the key revocation list that **step ssh krl** downloads has it: hosts
that use the list refuse it from then on.

The flags --set and --set-file are accepted for the sake of scripts, and have no
effect.

## POSITIONAL ARGUMENTS
<serial-number>
    The serial number that **step ssh inspect** shows.`,
		Example: `Revoke the certificate with a serial number:
$ step ssh revoke 59721982564322301

Revoke a host certificate with its own key, and say why:
$ step ssh revoke --sshpop-cert ssh_host_ecdsa_key-cert.pub --sshpop-key ssh_host_ecdsa_key --reasonCode superseded`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.Join(f.run(env, cmd, args), f.conn.Close())
		},
	}
	f.conn.Define(cmd)
	f.tokens.DefineProvisioner(cmd)
	f.tokens.DefinePassword(cmd)
	f.conn.DefineOffline(cmd, &f.tokens.GeneralPasswordFile)
	f.tokens.DefineSSHPOP(cmd)
	f.revocation.Define(cmd)
	cli.Unused(cmd, "set=", "set-file=")
	return cmd
}

func (f *revokeFlags) run(env *cli.Env, cmd *cobra.Command, args []string) error {
	req, err := f.revocation.Request(&f.conn)
	if err != nil {
		return err
	}
	if req.Serial, err = f.serial(env, args); err != nil {
		return err
	}
	c, err := f.revocation.Authorize(cmd.Context(), env, &f.conn, &f.tokens, req, api.PathSSHRevoke)
	if err != nil {
		return err
	}
	f.conn.ShowCA(env, c)
	if err := c.SSHRevoke(cmd.Context(), req); err != nil {
		return err
	}
	env.Noticef("SSH Certificate with Serial Number %s has been revoked.", req.Serial)
	return nil
}

// serial is the serial number in decimal.
func (f *revokeFlags) serial(env *cli.Env, args []string) (string, error) {
	switch {
	case f.revocation.Token != "" && f.tokens.PasswordFile != "":
		return "", cli.IncompatibleFlags("token", "provisioner-password-file")
	case len(args) > 0:
		return parseSerial(args[0])
	case f.tokens.SSHPOPCert == "" || f.tokens.SSHPOPKey == "":
		return "", errors.New("--sshpop-cert and --sshpop-key must be supplied if serial number is not supplied as first argument")
	}
	cert, _, err := loadCertificate(env, f.tokens.SSHPOPCert)
	if err != nil {
		return "", err
	}
	f.tokens.SSHPOP = cert
	return strconv.FormatUint(cert.Serial, 10), nil
}

// parseSerial returns a serial number in decimal, as OpenSSH shows it, for one in
// decimal or, after 0x, in hex.
func parseSerial(s string) (string, error) {
	digits, hex := strings.CutPrefix(strings.ToLower(s), "0x")
	n, err := strconv.ParseUint(digits, map[bool]int{false: 10, true: 16}[hex], 64)
	if err != nil {
		return "", fmt.Errorf("'%s' is not the serial number of an SSH certificate, a number of up to 64 bits", s)
	}
	return strconv.FormatUint(n, 10), nil
}
