package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stepca/config"
)

// A hintError is an error with what to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// WithHint adds a sentence about what to do to an error. It is shown on a line of
// its own, so that the error's line stays the one that scripts know. A nil error
// stays nil, and a hint that an error already has wins.
func WithHint(err error, hint string) error {
	if _, has := errors.AsType[*hintError](err); has || err == nil || hint == "" {
		return err
	}
	return &hintError{err, hint}
}

// advise adds a hint to errors that any command can have that connects to servers.
func advise(cmd *cobra.Command, err error) error {
	if _, refused := errors.AsType[*tls.CertificateVerificationError](err); refused {
		return WithHint(err, adviseTrust(cmd, err))
	}
	unreachable, ok := errors.AsType[*net.OpError](err)
	if !ok || unreachable.Op != "dial" {
		return err
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return WithHint(err, fmt.Sprintf("Is %s the right name? This machine finds no address for it.", unknown.Name))
	}
	if unreachable.Addr == nil {
		return err
	}
	return WithHint(err, fmt.Sprintf("Is %s the right address, and does the server run?", unreachable.Addr))
}

// adviseTrust says what to do about a server whose certificate is not believed, ""
// if there is nothing that is worth saying.
func adviseTrust(cmd *cobra.Command, err error) string {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown && lookupFlag(cmd, "root") != nil {
		return "If you trust the server, use the '--root' flag with its root certificate."
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "Is the clock of this machine right, and the server's?"
	}
	return ""
}

// adviseCommand adds the name of the command that was probably meant.
func adviseCommand(parent *cobra.Command, word string, err error) error {
	var names []string
	for _, sub := range parent.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	if near := config.Nearest(word, names); near != "" {
		err = WithHint(err, fmt.Sprintf("Did you mean '%s %s'?", parent.CommandPath(), near))
	}
	return err
}

// adviseFlag adds the name of the flag that was probably meant.
func adviseFlag(cmd *cobra.Command, name string, err error) error {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := config.Nearest(name, names); near != "" {
		err = WithHint(err, fmt.Sprintf("Did you mean '--%s'?", near))
	}
	return err
}
