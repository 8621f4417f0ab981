package issue

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/template"
)

// An identity is the X.509 certificate that goes with an SSH certificate, once
// it is authorized. Clients present it to the CA and to other services.
type identity struct {
	req       *ca.Request
	grant     *ca.Grant
	authority *Authority
}

// authorizeIdentity returns nil if no identity was asked for. At a renewal it also
// does where the certificate of the connection is another's than the SSH
// certificate: it goes on as it is, and has POST /renew of its own.
func (i *Issuer) authorizeIdentity(ctx context.Context, extras SSHExtras, sshGrant *ca.Grant) (*identity, error) {
	if extras.Identity == nil {
		return nil, nil
	}
	req := extras.Identity
	if old := sshGrant.SSH.Renew; old != nil && !sameIdentity(req.Peer, old) {
		i.cfg.Log.Info("the client certificate is not the identity of the SSH certificate, and is not renewed with it",
			"request-id", req.ID, "serial", req.Peer.SerialNumber.String(), "key-id", old.KeyId)
		return nil, nil
	}
	grant, err := extras.AuthorizeIdentity(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := checkRequest(req, grant); err != nil {
		return nil, err
	}
	authority, err := i.signing(grant.Issuer)
	if err != nil {
		return nil, err
	}
	own := *grant
	own.OneTime = nil     // the SSH certificate spends it
	own.Limits.Min = 0    // it is as short as the SSH certificate
	if own.Renew == nil { // ours to add, see addURIs
		own.SANs = append(slices.Clone(grant.SANs), identityURIs(req.CSR)...)
	}
	return &identity{req, &own, authority}, nil
}

// finish logs and counts the identity as the X.509 certificate that it is; it took
// as long as the request for both.
func (id *identity) finish(i *Issuer, crt *ca.Certificate, both Event, start time.Time) {
	both.Operation, both.Provisioner, both.Kind = id.grant.Operation, id.grant.Provisioner, ""
	both.Total = time.Since(start)
	i.finish(&outcome{
		Event:     both,
		requestID: id.req.ID,
		subject:   crt.Leaf.Subject.CommonName,
		serial:    crt.Leaf.SerialNumber.String(),
	})
}

// sameIdentity reports whether every name in an X.509 certificate is one of the
// SSH certificate's, and there is one. Its UUID names nothing that an SSH
// certificate could.
func sameIdentity(crt *x509.Certificate, of *ssh.Certificate) bool {
	names := ca.Names(crt.DNSNames, crt.IPAddresses, crt.EmailAddresses, nil)
	if cn := crt.Subject.CommonName; cn != "" {
		names = append(names, ca.Identifier{Type: ca.CommonName, Value: cn})
	}
	for _, u := range crt.URIs {
		if _, ok := parseUUID(u); !ok {
			return false
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(append([]string{of.KeyId}, of.ValidPrincipals...), func(p string) bool { return strings.EqualFold(p, name.Value) }) {
			return false
		}
	}
	return len(names) > 0
}

// identityURIs returns the first URI of the form urn:uuid in a request: an ID
// that the client gives itself. No other URI of it goes into the certificate.
func identityURIs(csr *x509.CertificateRequest) []ca.Identifier {
	for _, u := range csr.URIs {
		if text, ok := parseUUID(u); ok {
			return []ca.Identifier{{Type: ca.URI, Value: text}}
		}
	}
	return nil
}

// parseUUID returns a URI as RFC 9562 §4 writes UUIDs.
func parseUUID(u *url.URL) (string, bool) {
	if !strings.EqualFold(u.Scheme, "urn") || len(u.Opaque) < len("uuid:") || !strings.EqualFold(u.Opaque[:5], "uuid:") {
		return "", false
	}
	id, err := uuid.Parse(u.Opaque[5:])
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	return id.URN(), true
}

// checkIdentity renders and checks the identity that goes with contents.
func (i *Issuer) checkIdentity(id *identity, with *ssh.Certificate) (*prepared, error) {
	c, err := i.render(id.req, id.grant, id.authority)
	if err != nil {
		return nil, err
	}
	limitIdentity(c.tbs, with, id, i.cfg.Backdate)
	if id.grant.Renew == nil {
		if err := c.addURIs(identityURIs(id.req.CSR)); err != nil {
			return nil, err
		}
	}
	return i.check(c, id.grant, id.authority)
}

// limitIdentity gives a new identity the validity of the SSH certificate, as far
// as the provisioner allows that for X.509 certificates, and ends a renewed one
// with it.
func limitIdentity(tbs *x509.Certificate, with *ssh.Certificate, id *identity, backdate time.Duration) {
	end := id.authority.validity().NotAfter
	if with.ValidBefore < uint64(end.Unix()) {
		end = time.Unix(int64(with.ValidBefore), 0).UTC()
	}
	if id.grant.Renew != nil {
		if tbs.NotAfter.After(end) {
			tbs.NotAfter = end
		}
		return
	}
	tbs.NotBefore = time.Unix(int64(with.ValidAfter), 0).UTC()
	if longest := tbs.NotBefore.Add(id.grant.Limits.Max + backdate); end.After(longest) {
		end = longest
	}
	tbs.NotAfter = end
}

// addURIs adds alternative names that policies do not judge, to whichever form
// the template chose.
func (c *contents) addURIs(uris []ca.Identifier) error {
	if len(uris) == 0 {
		return nil
	}
	names, err := template.GeneralNames(c.tbs)
	if err != nil {
		return ca.Errorf(ca.ErrForbidden, "the subject alternative name extension is malformed: %w", err)
	}
	for _, uri := range uris {
		name := template.GeneralName{Tag: template.TagURI, Value: []byte(uri.Value)}
		if !slices.ContainsFunc(names, func(n template.GeneralName) bool { return n.Identifier() == name.Identifier() }) {
			names = append(names, name)
		}
	}
	c.notJudged = uris
	at := slices.IndexFunc(c.tbs.ExtraExtensions, func(e pkix.Extension) bool { return e.Id.Equal(oidSubjectAltName) })
	if at < 0 {
		for _, uri := range uris {
			u, err := url.Parse(uri.Value)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(c.tbs.URIs, func(have *url.URL) bool { return have.String() == u.String() }) {
				c.tbs.URIs = append(c.tbs.URIs, u)
			}
		}
		return nil
	}
	c.tbs.ExtraExtensions[at].Value, err = template.MarshalGeneralNames(names)
	return err
}
