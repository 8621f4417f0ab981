package ssh

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stepca/api"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
)

func krl(env *cli.Env) *cobra.Command {
	var (
		conn  authority.Connection
		force bool
	)
	cmd := &cobra.Command{
		Use:   "krl [<krl-file>]",
		Short: "download the list of revoked SSH certificates",
		Long: `**step ssh krl** downloads the key revocation list of the certificate authority, the
file in which sshd and ssh look up whether a certificate is revoked, and prints the
line of sshd_config that makes sshd use it. A list that is there is replaced in one
step, and never by an older one. Run it from a timer: sshd reads the file at every
login.

If the list cannot be downloaded, the one that is there stays. Do not configure the
line before the file exists: without the file sshd accepts no key at all.

## POSITIONAL ARGUMENTS
<krl-file>
    The file to write, /etc/ssh/revoked_keys by default, on Windows revoked_keys in
    %ProgramData%\ssh.`,
		Example: `Install the list, or refresh it:
$ step ssh krl /etc/ssh/revoked_keys
RevokedKeys /etc/ssh/revoked_keys

Ask ssh-keygen whether a certificate is on it:
$ ssh-keygen -Q -f /etc/ssh/revoked_keys id_ecdsa-cert.pub`,
		Args: cli.MaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := hostDir(env) + "revoked_keys"
			if len(args) > 0 {
				name = args[0]
			}
			defer conn.Close()
			c, err := conn.Open(cmd.Context(), env, cmd)
			if err != nil {
				return err
			}
			return installKRL(cmd.Context(), env, c, name, force)
		},
	}
	defineConnection(cmd, &conn)
	cli.Force(cmd, &force)
	return cmd
}

func installKRL(ctx context.Context, env *cli.Env, c *client.Client, name string, force bool) error {
	line, err := revokedKeysLine(name)
	if err != nil {
		return err
	}
	list, err := c.SSHKRL(ctx)
	if e, ok := errors.AsType[*api.Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusNotImplemented) {
		// Its own message knows nothing of lists.
		return fmt.Errorf("the certificate authority has no key revocation list: it answered with status %d", e.Status)
	}
	if err != nil {
		return err
	}
	version, err := parseKRL(list)
	if err != nil {
		return fmt.Errorf("the certificate authority answered with something else than a key revocation list: %w", err)
	}
	write, err := replacesKRL(env, name, version, force)
	if err != nil {
		return err
	}
	if write {
		if err := keyfile.WriteFile(name, list, cli.PublicPerm); err != nil {
			return cli.FileError(err)
		}
	}
	env.Selected("Key Revocation List", name)
	_, err = fmt.Fprintln(env.Stdout, line)
	return err
}

// replacesKRL reports whether a list of that version is newer than the file, and
// asks before something that is no such list is overwritten.
func replacesKRL(env *cli.Env, name string, version uint64, force bool) (bool, error) {
	old, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), force:
		return true, nil
	case err != nil:
		return false, cli.FileError(err)
	}
	have, err := parseKRL(old)
	switch {
	case err != nil && len(old) > 0:
		return true, env.MayWrite(name, false)
	case err == nil && have > version:
		env.Noticef("The list in %s is newer than that of the certificate authority: version %d, not %d. It stays; use the '--force' flag to replace it.", name, have, version)
		return false, nil
	}
	return true, nil
}

// revokedKeysLine is the line of sshd_config for the file.
func revokedKeysLine(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return "RevokedKeys " + quoteConfig(filepath.ToSlash(path)), nil
}

// krlMagic begins every list (OpenSSH's PROTOCOL.krl).
var krlMagic = []byte("SSHKRL\n\x00")

// parseKRL returns the version of a list, which its issuer increases. Of the rest
// only the header is looked at: sshd reads the list itself.
func parseKRL(data []byte) (version uint64, err error) {
	rest, ok := bytes.CutPrefix(data, krlMagic)
	if !ok {
		return 0, errors.New("it does not begin like one")
	}
	var header struct {
		Format           uint32
		Version          uint64
		Generated, Flags uint64
	}
	if err := binary.Read(bytes.NewReader(rest), binary.BigEndian, &header); err != nil {
		return 0, errors.New("it is cut short")
	}
	if header.Format != 1 {
		return 0, fmt.Errorf("its format is version %d, not 1", header.Format)
	}
	return header.Version, nil
}
