package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/spf13/cobra"
)

func TestAdvise(t *testing.T) {
	t.Parallel()
	withRoot, without := &cobra.Command{Use: "step"}, &cobra.Command{Use: "step"}
	withRoot.Flags().String("root", "", "")
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
	untrusted := func(cause error) error { return &tls.CertificateVerificationError{Err: cause} }
	const trust = "If you trust the server, use the '--root' flag with its root certificate."
	for _, tt := range []struct {
		name string
		cmd  *cobra.Command
		err  error
		want string // "" is no hint
	}{
		{"something else", withRoot, errors.New("x"), ""},
		{"unknown root", withRoot, untrusted(x509.UnknownAuthorityError{}), trust},
		{"unknown root and no flag for it", without, untrusted(x509.UnknownAuthorityError{}), ""},
		{"unknown root of another chain", withRoot, x509.UnknownAuthorityError{}, ""},
		{"expired", without, untrusted(x509.CertificateInvalidError{Reason: x509.Expired}), "Is the clock of this machine right, and the server's?"},
		{"not a CA", without, untrusted(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}), ""},
		{"nobody there", without, &net.OpError{Op: "dial", Addr: address, Err: errors.New("refused")}, "Is 127.0.0.1:443 the right address, and does the server run?"},
		{"no such name", without, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "ca.example.com"}}, "Is ca.example.com the right name? This machine finds no address for it."},
		{"no address", without, &net.OpError{Op: "dial", Err: errors.New("x")}, ""},
		{"a port of our own", without, &net.OpError{Op: "listen", Addr: address, Err: errors.New("in use")}, ""},
		{"a hint before", without, WithHint(&net.OpError{Op: "dial", Addr: address, Err: errors.New("refused")}, "first"), "first"},
	} {
		err := advise(tt.cmd, fmt.Errorf("client GET: %w", tt.err))
		hint := ""
		if advised, ok := errors.AsType[*hintError](err); ok {
			hint = advised.hint
		}
		if hint != tt.want {
			t.Errorf("%s: hint %q, want %q", tt.name, hint, tt.want)
		}
		if want := "client GET: " + tt.err.Error(); err.Error() != want {
			t.Errorf("%s: the error is %q, want %q as before", tt.name, err, want)
		}
	}
}
