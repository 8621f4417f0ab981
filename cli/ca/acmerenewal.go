package ca

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/cli/ari"
	"stepca/client"
)

// A source is where the successor of a certificate comes from: the CA, to which
// the certificate is the credential, or an ACME server, by a new order.
type source struct {
	ca   *client.Client // nil with an ACME server
	acme *acmeClient    // nil with the CA

	lifetime time.Duration // to ask the ACME server for; zero leaves it to the server
	record   *acmeRecord   // to be kept for successors; nil for none
	info     *ari.Client   // suggests when to renew; nil if nobody does
}

func (s *source) close() {
	if s.acme != nil {
		s.acme.close()
	}
	if s.info != nil {
		s.info.HTTP.CloseIdleConnections()
	}
}

// source finds out where a certificate is renewed. That is the ACME server of
// --acme. It is also that of the certificate's record, unless it belongs to the CA
// in use, which renews without a challenge. For everything else it is the CA.
func (r *renewal) source(env *cli.Env, cmd *cobra.Command, crt *x509.Certificate) (*source, error) {
	rec, err := recordOf(env, crt)
	if err != nil {
		return nil, err
	}
	caURL, err := r.conn.URL(nil)
	if err != nil {
		return nil, err
	}
	directory := r.acme.directory
	if directory == "" && rec != nil && !r.conn.Offline.Enabled && !rec.belongsTo(caURL) {
		directory = rec.Directory
	}
	if directory != "" {
		return r.acmeSource(env, cmd, rec, directory)
	}
	if flag := usedACMEFlag(cmd); flag != "" {
		return nil, cli.RequiredWithFlag(flag, "acme")
	}
	c, err := r.conn.Open(cmd.Context(), env, cmd)
	if err != nil {
		return nil, err
	}
	s := &source{ca: c, record: rec}
	if name := acmeProvisioner(crt); name != "" {
		directory = acmeDirectory(c, name)
	} else if rec != nil {
		directory = rec.Directory
	}
	if directory == "" || r.conn.Offline.Enabled {
		return s, nil
	}
	server, err := newACMEClient(env, &r.acme, &r.conn, c, directory)
	if err != nil {
		return nil, err
	}
	s.info = server.renewalInfo()
	return s, nil
}

// acmeSource is the source at an ACME server. What the record says counts where
// there is no flag.
func (r *renewal) acmeSource(env *cli.Env, cmd *cobra.Command, rec *acmeRecord, directory string) (*source, error) {
	if flag := cmd.Flag("mtls"); flag != nil && flag.Changed {
		return nil, cli.IncompatibleFlags("mtls", "acme")
	}
	var (
		s     source
		roots []string
		err   error
	)
	if rec != nil {
		r.acme.adopt(cmd, rec)
		roots = rec.Roots
		if rec.Lifetime != "" {
			if s.lifetime, err = time.ParseDuration(rec.Lifetime); err != nil {
				return nil, fmt.Errorf("the record of the certificate: lifetime: %w", err)
			}
		}
	}
	if err := r.acme.checkListen(cmd); err != nil {
		return nil, err
	}
	if s.record, err = r.acme.record(directory, append(slices.Clone(roots), r.conn.Root), s.lifetime); err != nil {
		return nil, err
	}
	if s.acme, err = newACMEClient(env, &r.acme, &r.conn, nil, directory, roots...); err != nil {
		return nil, err
	}
	s.info = s.acme.renewalInfo()
	return &s, nil
}

// acmeFlagNames returns the names of the flags of acmeFlags.
func acmeFlagNames() []string {
	var (
		flags acmeFlags
		cmd   cobra.Command
		names []string
	)
	flags.define(&cmd)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// usedACMEFlag returns the name of a flag that says how to use an ACME server and
// that the user gave, "" for none.
func usedACMEFlag(cmd *cobra.Command) string {
	for _, name := range acmeFlagNames() {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// acmeProvisioner returns the name of the ACME provisioner that vouched for a
// certificate, "" if none did.
func acmeProvisioner(crt *x509.Certificate) string {
	for _, ext := range crt.Extensions {
		if !ext.Id.Equal(asn1.ObjectIdentifier(nouns.OIDProvisioner)) {
			continue
		}
		if p, err := nouns.ParseProvisionerExtension(ext.Value); err == nil && p.Type == nouns.TypeACME {
			return string(p.Name)
		}
	}
	return ""
}

// replace orders the successor of a certificate, for the same names and the key.
func (s *source) replace(ctx context.Context, crt *tls.Certificate, key crypto.Signer) (*tls.Certificate, error) {
	chain, err := s.acme.replace(ctx, crt.Leaf, key, s.lifetime)
	if err != nil {
		return nil, err
	}
	return tlsCertificate(chain, key), nil
}

// remember keeps the record for the successor.
func (s *source) remember(env *cli.Env, next *tls.Certificate) {
	if s.record != nil {
		s.record.save(env, next.Leaf)
	}
}

// suggestion asks when to renew a certificate; nil if nobody says, or says a time
// at which the certificate has expired. tell gets what people may want to know.
func (s *source) suggestion(ctx context.Context, crt *x509.Certificate, tell func(format string, args ...any)) (*ari.Suggestion, error) {
	if s.info == nil {
		return nil, nil
	}
	suggestion, err := s.info.Ask(ctx, crt)
	if err != nil {
		return nil, err
	}
	if suggestion.Explanation != "" {
		tell("the authority suggests to renew between %s and %s: %s",
			suggestion.Window.Start.Format(time.RFC3339), suggestion.Window.End.Format(time.RFC3339), suggestion.Explanation)
	}
	if !suggestion.At.Before(crt.NotAfter) {
		return nil, nil
	}
	return suggestion, nil
}
