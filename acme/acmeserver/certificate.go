package acmeserver

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strconv"

	"stepca/ca"
	"stepca/issue"
)

// certificate answers with the chain of a valid order (RFC 8555 §7.4.2): the leaf,
// then intermediates, no root. Chains of other issuers with the same name and key
// are offered as alternates, numbered from 1.
func (s *Server) certificate(x *exchange) error {
	if err := x.postAsGet(); err != nil {
		return err
	}
	id := x.args[0]
	o, err := x.loadOrder(id, "certificate")
	if err != nil {
		return err
	}
	if o.CertificateID != id {
		return notFound("certificate")
	}
	leaf, err := s.leaf(x.r.Context(), o.Serial)
	if err != nil {
		return err
	}
	chains := s.chains(leaf)
	if len(chains) == 0 {
		return ca.Errorf(ca.ErrNotFound, "the certificate's issuer %q is not among those of this CA any more; order another certificate", leaf.Issuer)
	}
	chosen, err := x.chosenChain(len(chains))
	if err != nil {
		return err
	}
	for i := range chains {
		if i != chosen {
			x.Header().Add("Link", "<"+x.url(chainPath(id, i))+`>;rel="alternate"`)
		}
	}
	x.write(http.StatusOK, "application/pem-certificate-chain", encodeChain(leaf, chains[chosen]))
	return nil
}

func chainPath(id string, n int) string {
	if n == 0 {
		return pathCertificate + "/" + id
	}
	return pathCertificate + "/" + id + "/" + strconv.Itoa(n)
}

// chosenChain returns which chain the path asks for.
func (x *exchange) chosenChain(count int) (int, error) {
	if len(x.args) == 1 {
		return 0, nil
	}
	n, err := strconv.Atoi(x.args[1])
	if err != nil || n < 1 || n >= count || strconv.Itoa(n) != x.args[1] {
		return 0, notFound("alternate chain")
	}
	return n, nil
}

// leaf returns a certificate on record.
func (s *Server) leaf(ctx context.Context, serial string) (*x509.Certificate, error) {
	n, ok := new(big.Int).SetString(serial, 10)
	if !ok {
		return nil, fmt.Errorf("serial number %q of an order is not a number", serial)
	}
	rec, err := s.store.Certificate(ctx, n)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(rec.DER)
}

// chains returns the chains above a leaf, by the issuers whose key signed it.
func (s *Server) chains(leaf *x509.Certificate) [][]*x509.Certificate {
	var chains [][]*x509.Certificate
	for _, a := range s.cfg.Issuer.Authorities() {
		if issued(a, leaf) {
			chains = append(chains, a.Chain)
		}
	}
	return chains
}

func issued(a *issue.Authority, leaf *x509.Certificate) bool {
	crt := a.Certificate()
	if !bytes.Equal(crt.RawSubject, leaf.RawIssuer) {
		return false
	}
	if len(crt.SubjectKeyId) > 0 && len(leaf.AuthorityKeyId) > 0 {
		return bytes.Equal(crt.SubjectKeyId, leaf.AuthorityKeyId)
	}
	return leaf.CheckSignatureFrom(crt) == nil
}

func encodeChain(leaf *x509.Certificate, chain []*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, crt := range append([]*x509.Certificate{leaf}, chain...) {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: crt.Raw}) // a Buffer takes everything
	}
	return b.Bytes()
}
