package va

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"stepca/acme"
	"stepca/ca"
)

// alpnACME is the protocol of RFC 8737 §3.
const alpnACME = "acme-tls/1"

// alertNoApplicationProtocol is what a server sends that does not know the
// protocol (RFC 7301 §3.2), in the words of crypto/tls, which has no other form
// for the alerts of its peer.
const alertNoApplicationProtocol = "tls: no application protocol"

var oidACMEIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}

// tlsALPN01 looks at the certificate that the server of the identifier shows for
// the protocol acme-tls/1 (RFC 8737 §3, RFC 8738 §6).
func (v *Validator) tlsALPN01(ctx context.Context, req *acme.Validation) *acme.Problem {
	address := net.JoinHostPort(req.Identifier.Value, strconv.Itoa(v.cfg.TLSPort))
	raw, err := v.dial(ctx, "tcp", address)
	if err != nil {
		return unreached("connecting to "+address, err)
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{
		ServerName:         serverName(req.Identifier),
		NextProtos:         []string{alpnACME},
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // self-signed by design
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" && op.Err.Error() == alertNoApplicationProtocol {
			return terminal(acme.ProblemTLS, "%s does not speak the protocol %s", address, alpnACME)
		}
		return retryable(acme.ProblemTLS, err, "TLS handshake with %s: %s", address, reason(err))
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != alpnACME {
		return terminal(acme.ProblemTLS, "%s does not speak the protocol %s", address, alpnACME)
	}
	return checkChallengeCertificate(state.PeerCertificates[0], address, req)
}

// serverName is the name that the server sees: for an address, its reverse name
// (RFC 8738 §6).
func serverName(id ca.Identifier) string {
	if id.Type != ca.IP {
		return id.Value
	}
	name, err := dns.ReverseAddr(id.Value)
	if err != nil {
		return id.Value
	}
	return strings.TrimSuffix(name, ".")
}

// checkChallengeCertificate checks what RFC 8737 §3 demands: self-signed, one
// subject alternative name and no other, and a critical acmeIdentifier.
func checkChallengeCertificate(crt *x509.Certificate, address string, req *acme.Validation) *acme.Problem {
	if !bytes.Equal(crt.RawIssuer, crt.RawSubject) || crt.CheckSignature(crt.SignatureAlgorithm, crt.RawTBSCertificate, crt.Signature) != nil {
		return terminal(acme.ProblemIncorrectResponse, "the certificate that %s shows for %s is not self-signed", address, alpnACME)
	}
	if !onlyNames(crt, req.Identifier) {
		return terminal(acme.ProblemIncorrectResponse, "the certificate that %s shows for %s must have %s as its only subject alternative name; it has %s",
			address, alpnACME, req.Identifier, quote(strings.Join(shownNames(crt), ", ")))
	}
	want := sha256.Sum256([]byte(req.KeyAuthorization))
	for _, ext := range crt.Extensions {
		if !ext.Id.Equal(oidACMEIdentifier) {
			continue
		}
		if !ext.Critical {
			return terminal(acme.ProblemIncorrectResponse, "the acmeIdentifier extension of the certificate that %s shows is not critical", address)
		}
		var got []byte
		rest, err := asn1.Unmarshal(ext.Value, &got)
		if err != nil || len(rest) > 0 || len(got) != sha256.Size {
			return terminal(acme.ProblemIncorrectResponse, "the acmeIdentifier extension of the certificate that %s shows is malformed", address)
		}
		if subtle.ConstantTimeCompare(got, want[:]) != 1 {
			return terminal(acme.ProblemIncorrectResponse, "the acmeIdentifier extension of the certificate that %s shows is %x instead of %x, the digest of the key authorization", address, got, want)
		}
		return nil
	}
	return terminal(acme.ProblemIncorrectResponse, "the certificate that %s shows for %s has no acmeIdentifier extension", address, alpnACME)
}

// onlyNames reports whether the identifier is the one subject alternative name,
// of its own type: names of other types count too.
func onlyNames(crt *x509.Certificate, id ca.Identifier) bool {
	names, err := generalNames(crt)
	if err != nil || len(names) != 1 || names[0].Class != asn1.ClassContextSpecific {
		return false
	}
	switch name := names[0]; id.Type {
	case ca.DNS:
		return name.Tag == tagDNSName && strings.EqualFold(string(name.Bytes), id.Value)
	case ca.IP:
		want, err := netip.ParseAddr(id.Value)
		got, ok := netip.AddrFromSlice(name.Bytes)
		return err == nil && ok && name.Tag == tagIPAddress && got.Unmap() == want.Unmap()
	}
	return false
}

// shownNames are a certificate's names, for a problem.
func shownNames(crt *x509.Certificate) []string {
	var names []string
	for _, id := range ca.Names(crt.DNSNames, crt.IPAddresses, crt.EmailAddresses, crt.URIs) {
		names = append(names, id.String())
	}
	return names
}
