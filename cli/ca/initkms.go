package ca

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// initKMSFlags are those with which step ca init would make the keys of the CA
// in a key management system. They are known so that whoever uses them learns
// what to do instead, and gets no CA with keys in files.
type initKMSFlags struct {
	kms, root, intermediate, sshHost, sshUser string
}

func (f *initKMSFlags) define(cmd *cobra.Command) {
	for _, flag := range []struct {
		value       *string
		name, usage string
	}{
		{&f.kms, "kms", "the `type` of a key management system for the keys (refused: name keys that are there already in ca.json)"},
		{&f.root, "kms-root", "the `URI` of the root key, with --kms"},
		{&f.intermediate, "kms-intermediate", "the `URI` of the intermediate key, with --kms"},
		{&f.sshHost, "kms-ssh-host", "the `URI` of the SSH host key, with --kms"},
		{&f.sshUser, "kms-ssh-user", "the `URI` of the SSH user key, with --kms"},
	} {
		cmd.Flags().StringVar(flag.value, flag.name, "", flag.usage)
		cli.OnlyCommandLine(cmd, flag.name)
	}
}

func (f *initKMSFlags) used() bool { return *f != initKMSFlags{} }

var errInitKMS = errors.New("step ca init makes the keys of an authority in files only; to keep them in a key management system, make them there, " +
	"issue the certificates with step certificate create --kms, run step ca init for a configuration, and name certificates, keys and kms in its ca.json")

// refusal says what to do instead.
func (f *initKMSFlags) refusal() error {
	if f.kms != "" && !strings.EqualFold(f.kms, "azurekms") {
		return cli.InvalidValue("kms", f.kms, "azurekms")
	}
	return errInitKMS
}
