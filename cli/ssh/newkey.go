package ssh

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/cli"
	"stepca/keyfile"
)

// A newKeyPassword holds the flags that say how a new private key is encrypted.
type newKeyPassword struct {
	file       string
	minLength  int
	noPassword bool
	insecure   bool

	// taken says that --password-file is for the credentials of the command, or for
	// the authority's keys, and not for the new key.
	taken bool
}

// define defines all of the flags.
func (p *newKeyPassword) define(cmd *cobra.Command) {
	p.defineNone(cmd)
	p.taken = false
	cmd.Flags().StringVar(&p.file, "password-file", "", "a `file` with the password to encrypt the new private key with, or to decrypt that of --private-key; with --offline, that of the authority's keys")
	cmd.Flags().IntVar(&p.minLength, "min-password-length", 0, "the least `number` of characters of that password")
}

// defineNone defines --no-password and --insecure only, for a command whose
// --password-file is taken.
func (p *newKeyPassword) defineNone(cmd *cobra.Command) {
	p.taken = true
	cmd.Flags().BoolVar(&p.noPassword, "no-password", false, "do not encrypt the private key; needs --insecure")
	cli.Insecure(cmd, &p.insecure)
}

func (p *newKeyPassword) check(cmd *cobra.Command) error {
	for _, c := range []struct {
		wrong bool
		err   error
	}{
		{p.noPassword && !p.insecure, cli.FlagRequiresInsecure("no-password")},
		{p.noPassword && p.minLength > 0, cli.IncompatibleFlags("no-password", "min-password-length")},
		{p.noPassword && p.file != "" && !p.taken, cli.IncompatibleFlags("no-password", "password-file")},
	} {
		if c.wrong {
			return c.err
		}
	}
	return nil
}

// ask returns the password; nil if the key shall not be encrypted.
func (p *newKeyPassword) ask(env *cli.Env) ([]byte, error) {
	if p.noPassword {
		return nil, nil
	}
	label := "Please enter the password to encrypt the private key"
	if p.minLength > 0 {
		label += fmt.Sprintf(" (must be at least %d characters)", p.minLength)
	}
	file, flag := p.source("no-password")
	password, err := env.ReadPassword(file, cli.Question{Label: label, Flag: flag, Validate: p.validate})
	if err == nil {
		err = p.validate(string(password)) // that of a file
	}
	return password, err
}

// opens is the source of the password of a private key that is there already.
func (p *newKeyPassword) opens(env *cli.Env) keyfile.Password {
	file, flag := p.source("")
	return env.Password(file, flag)
}

// source is the file with the password; "" if the user is asked. flag names the
// flag that saves the question, which is other if --password-file is taken.
func (p *newKeyPassword) source(other string) (file, flag string) {
	if p.taken {
		return "", other
	}
	return p.file, "password-file"
}

func (p *newKeyPassword) validate(password string) error {
	switch {
	case len([]rune(password)) < p.minLength:
		return fmt.Errorf("input does not meet minimum length requirement; must be at least %d characters", p.minLength)
	case password == "":
		return errors.New("the password is empty; use the flags '--no-password' and '--insecure' for a key that is not encrypted")
	}
	return nil
}

// keyPairFiles are NAME and NAME.pub. The key is encrypted unless password is
// nil.
func keyPairFiles(name string, key crypto.Signer, pub ssh.PublicKey, comment string, password []byte) ([]cli.NewFile, error) {
	private, err := keyfile.EncodePrivateKey(key, keyfile.OpenSSH, password)
	if err != nil {
		return nil, err
	}
	return []cli.NewFile{
		{Name: name, Data: private, Perm: keyfile.SecretPerm},
		{Name: name + ".pub", Data: encodePublicKey(pub, comment), Perm: cli.PublicPerm},
	}, nil
}

// certificateFile is NAME-cert.pub.
func certificateFile(name string, cert *ssh.Certificate, comment string) cli.NewFile {
	return cli.NewFile{Name: name + "-cert.pub", Data: encodePublicKey(cert, comment), Perm: cli.PublicPerm}
}
