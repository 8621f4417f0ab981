package ca

import (
	"github.com/spf13/cobra"

	"stepca/cli"
)

// acmeFlags hold the flags of the ACME flow (RFC 8555): how names are proved,
// and for which account.
type acmeFlags struct {
	directory  string
	standalone bool
	webroot    string
	httpListen string
	tlsALPN    bool
	tlsListen  string
	dnsHook    string
	contacts   []string
	eabKeyID   string
	eabKeyFile string
	profile    string

	hookWords []string // of dnsHook; see check
}

func (f *acmeFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.directory, "acme", "", "the `URL` of the directory of an ACME server to get the certificate from")
	flags.BoolVar(&f.standalone, "standalone", false, "with ACME, answer http-01 challenges with a web server of our own; this is the default")
	flags.StringVar(&f.webroot, "webroot", "", "with ACME, answer http-01 challenges with files below this `directory`, which a web server serves")
	flags.StringVar(&f.httpListen, "http-listen", ":80", "the `address` at which --standalone listens")
	flags.BoolVar(&f.tlsALPN, "tls-alpn", false, "with ACME, answer tls-alpn-01 challenges with a TLS server of our own")
	flags.StringVar(&f.tlsListen, "tls-listen", ":443", "the `address` at which --tls-alpn listens")
	flags.StringVar(&f.dnsHook, "dns-hook", "", "with ACME, answer dns-01 challenges with this `command`, which is called with present or cleanup, the name of the TXT record and its value")
	f.defineContact(cmd)
	flags.StringVar(&f.profile, "acme-profile", "", "the `name` of the profile to order, of those that the ACME server's directory has")
	flags.StringVar(&f.eabKeyID, "eab-key-id", "", "the `id` of the key that a new ACME account is bound to")
	flags.StringVar(&f.eabKeyFile, "eab-key-file", "", "the `file` with the key of --eab-key-id, in base64")
}

func (f *acmeFlags) defineContact(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.contacts, "contact", nil, "an e-mail `address` of the ACME account, repeatable")
}

// check refuses combinations that make no sense.
func (f *acmeFlags) check() error {
	modes := []struct {
		flag string
		set  bool
	}{{"standalone", f.standalone}, {"webroot", f.webroot != ""}, {"tls-alpn", f.tlsALPN}, {"dns-hook", f.dnsHook != ""}}
	first := ""
	for _, mode := range modes {
		switch {
		case !mode.set:
		case first != "":
			return cli.MutuallyExclusive(first, mode.flag)
		default:
			first = mode.flag
		}
	}
	switch {
	case f.eabKeyID != "" && f.eabKeyFile == "":
		return cli.RequiredWithFlag("eab-key-id", "eab-key-file")
	case f.eabKeyFile != "" && f.eabKeyID == "":
		return cli.RequiredWithFlag("eab-key-file", "eab-key-id")
	}
	var err error
	if f.hookWords, err = splitWords(f.dnsHook); err != nil {
		return cli.InvalidValueReason("dns-hook", f.dnsHook, err.Error())
	}
	if f.dnsHook != "" && len(f.hookWords) == 0 {
		return cli.InvalidValueReason("dns-hook", f.dnsHook, "it is not a command")
	}
	return nil
}

// checkListen refuses an address on the command line at which nobody is going to
// listen. Compatible: the reference takes --http-listen with --webroot.
func (f *acmeFlags) checkListen(cmd *cobra.Command) error {
	switch {
	case cli.Given(cmd, "tls-listen") && !f.tlsALPN:
		return cli.RequiredWithFlag("tls-listen", "tls-alpn")
	case cli.Given(cmd, "http-listen") && f.tlsALPN:
		return cli.IncompatibleFlags("http-listen", "tls-alpn")
	case cli.Given(cmd, "http-listen") && len(f.hookWords) > 0:
		return cli.IncompatibleFlags("http-listen", "dns-hook")
	}
	return nil
}

// solver returns what answers the challenges.
func (f *acmeFlags) solver(env *cli.Env) acmeSolver {
	switch {
	case f.webroot != "":
		return &webroot{dir: f.webroot}
	case f.tlsALPN:
		return &tlsALPN{listen: f.tlsListen}
	case len(f.hookWords) > 0:
		return &dnsHook{env: env, words: f.hookWords}
	}
	return &standalone{listen: f.httpListen}
}
