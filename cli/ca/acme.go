package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/keyfile"
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

	hookWords []string   // of dnsHook; see check
	device    acmeSolver // of --attestation-uri; nil without
}

func (f *acmeFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.directory, "acme", "", "the `URL` of an ACME directory to get the certificate from, instead of a provisioner")
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
	cmd.Flags().StringArrayVar(&f.contacts, "contact", nil, "an `email-address` of the ACME account, repeatable")
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

// solver returns what answers the challenges.
func (f *acmeFlags) solver(env *cli.Env) acmeSolver {
	switch {
	case f.device != nil:
		return f.device
	case f.webroot != "":
		return &webroot{dir: f.webroot}
	case f.tlsALPN:
		return &tlsALPN{listen: f.tlsListen}
	case len(f.hookWords) > 0:
		return &dnsHook{env: env, words: f.hookWords}
	}
	return &standalone{listen: f.httpListen}
}

// acmeDirectory returns the directory of the ACME provisioner of that name.
func acmeDirectory(c *client.Client, provisioner string) string {
	return c.URL() + acmePath + url.PathEscape(provisioner) + "/directory"
}

// acmePath is where the ACME servers of an authority are.
const acmePath = "/acme/"

// acmeCertificate gets a certificate for a new key from an ACME server.
func (f *certificateFlags) acmeCertificate(ctx context.Context, env *cli.Env, g *grant, subject, crtFile, keyFile string, spec keyfile.KeySpec) error {
	ids, err := f.acme.identifiers(unique(append(slices.Clone(f.sans), subject)))
	if err != nil {
		return err
	}
	key, err := keyfile.Generate(spec)
	if err != nil {
		return err
	}
	var names []nouns.Identifier
	for _, id := range ids {
		names = append(names, nouns.Identifier{Type: nouns.IdentifierType(id.Type), Value: id.Value})
	}
	csr, err := client.NewCSR(key, acmeCommonName(subject, g), names)
	if err != nil {
		return err
	}
	chain, err := f.acmeOrder(ctx, env, g, ids, csr)
	if err != nil {
		return err
	}
	if err := writePair(keyFile, key, crtFile, keyfile.EncodeCertificates(chain...)); err != nil {
		return err
	}
	env.Selected("Certificate", crtFile)
	env.Selected("Private Key", keyFile)
	return nil
}

// acmeSign gets a certificate for a request from an ACME server.
func (f *signFlags) acmeSign(ctx context.Context, env *cli.Env, g *grant, csr *x509.CertificateRequest, crtFile string) error {
	var names []string
	for _, id := range nouns.CSRNames(csr) {
		names = append(names, id.Value)
	}
	if cn := csr.Subject.CommonName; cn != "" {
		names = append(names, cn)
	}
	ids, err := f.acme.identifiers(unique(names))
	if err != nil {
		return err
	}
	chain, err := f.acmeOrder(ctx, env, g, ids, csr)
	if err != nil {
		return err
	}
	if err := keyfile.WriteFile(crtFile, keyfile.EncodeCertificates(chain...), 0o600); err != nil {
		return cli.FileError(err)
	}
	env.Selected("Certificate", crtFile)
	return nil
}

// acmeOrder orders a certificate and returns its chain, leaf first.
func (f *issuance) acmeOrder(ctx context.Context, env *cli.Env, g *grant, ids []acme.Identifier, csr *x509.CertificateRequest) ([]*x509.Certificate, error) {
	notBefore, notAfter, err := f.orderValidity(env, g.directory)
	if err != nil {
		return nil, err
	}
	server, err := newACMEClient(env, &f.acme, &f.conn, g.client, g.directory)
	if err != nil {
		return nil, err
	}
	defer server.close()
	chain, err := server.order(ctx, acme.Order{Identifiers: ids, NotBefore: notBefore, NotAfter: notAfter, Profile: f.acme.profile}, csr)
	if err != nil {
		return nil, err
	}
	f.remember(env, g, chain[0], notAfter)
	return chain, nil
}

// remember keeps how the certificate was got, for step ca renew and revoke. An
// attested key needs its device, which cannot be kept.
func (f *issuance) remember(env *cli.Env, g *grant, crt *x509.Certificate, notAfter *time.Time) {
	if f.acme.device != nil {
		return
	}
	var lifetime time.Duration
	if notAfter != nil {
		lifetime = notAfter.Sub(env.Now()).Round(time.Minute)
	}
	rec, err := f.acme.record(g.directory, []string{f.conn.Root}, lifetime)
	if err != nil {
		env.Noticef(notKept, err)
		return
	}
	rec.save(env, crt)
}

// orderValidity returns the validity to ask for; nil leaves it to the server.
func (f *issuance) orderValidity(env *cli.Env, directory string) (notBefore, notAfter *time.Time, err error) {
	before, after, err := authority.Validity(&f.validity)
	if err != nil {
		return nil, nil, err
	}
	if (!before.IsZero() || !after.IsZero()) && strings.Contains(directory, "letsencrypt") {
		return nil, nil, errors.New("flags '--not-before' and '--not-after' are not supported by Let's Encrypt")
	}
	now := env.Now()
	at := func(t nouns.TimeOrDuration, base time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		v := t.At(base).UTC().Truncate(time.Second)
		return &v
	}
	if notBefore = at(before, now); notBefore != nil {
		now = *notBefore
	}
	return notBefore, at(after, now), nil
}
