package issue

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
)

// shapeOf sums up what lints look at and requests of one kind share: extensions
// with everything but names in them, kinds of names, key type and size, subject
// attributes, the issuer, and the class of validity.
func shapeOf(tbs *x509.Certificate, pub crypto.PublicKey, authority *Authority) [sha256.Size]byte {
	s := make(shape, 0, 512)
	s.text(authority.Name)
	s.key(pub)
	s.number(int(tbs.KeyUsage), len(tbs.ExtKeyUsage))
	for _, usage := range tbs.ExtKeyUsage {
		s.number(int(usage))
	}
	s.number(len(tbs.UnknownExtKeyUsage))
	for _, usage := range tbs.UnknownExtKeyUsage {
		s.oid(usage)
	}
	s.number(int(tbs.SignatureAlgorithm), tbs.MaxPathLen)
	s.flag(tbs.IsCA, tbs.MaxPathLenZero, tbs.BasicConstraintsValid)
	for _, n := range []int{len(tbs.DNSNames), len(tbs.EmailAddresses), len(tbs.IPAddresses), len(tbs.URIs)} {
		s.number(min(n, 2))
	}
	wildcard := slices.ContainsFunc(tbs.DNSNames, func(name string) bool { return strings.HasPrefix(name, "*.") })
	s.flag(wildcard, tbs.NotAfter.Year() >= 2050, len(tbs.RawSubject) > 0)
	for _, rdn := range tbs.Subject.ToRDNSequence() {
		s.number(len(rdn))
		for _, atv := range rdn {
			s.oid(atv.Type)
		}
	}
	s.texts(tbs.OCSPServer, tbs.IssuingCertificateURL, tbs.CRLDistributionPoints)
	s.rare(tbs)
	s.number(len(tbs.ExtraExtensions))
	for _, ext := range tbs.ExtraExtensions {
		s.oid(ext.Id)
		s.flag(ext.Critical)
		if !ext.Id.Equal(oidSubjectAltName) && !ext.Id.Equal(ca.OIDProvisioner) && !ext.Id.Equal(oidSubjectKeyID) {
			s.text(string(ext.Value))
		}
	}
	return sha256.Sum256(s)
}

// A shape is written field by field, each with its length or of a fixed one, so
// that no two contents run together. Every request pays for it: no fmt here.
type shape []byte

func (s *shape) number(list ...int) {
	for _, n := range list {
		*s = binary.BigEndian.AppendUint64(*s, uint64(n))
	}
}

func (s *shape) flag(list ...bool) {
	for _, f := range list {
		if f {
			*s = append(*s, 1)
		} else {
			*s = append(*s, 0)
		}
	}
}

func (s *shape) text(text string) {
	s.number(len(text))
	*s = append(*s, text...)
}

func (s *shape) texts(lists ...[]string) {
	for _, list := range lists {
		s.number(len(list))
		for _, text := range list {
			s.text(text)
		}
	}
}

func (s *shape) oid(id asn1.ObjectIdentifier) {
	s.number(len(id))
	s.number(id...)
}

func (s *shape) key(pub crypto.PublicKey) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		s.text("RSA")
		s.number(key.N.BitLen())
	case *ecdsa.PublicKey:
		s.text(key.Params().Name)
	default:
		s.text(fmt.Sprintf("%T", pub))
	}
}

// rare writes what only certificates of CAs have.
func (s *shape) rare(tbs *x509.Certificate) {
	if len(tbs.Policies) > 0 {
		s.text(fmt.Sprint(tbs.Policies))
	}
	permitted := len(tbs.PermittedDNSDomains) + len(tbs.PermittedIPRanges)
	excluded := len(tbs.ExcludedDNSDomains) + len(tbs.ExcludedIPRanges)
	if permitted+excluded > 0 {
		s.text(fmt.Sprint(tbs.PermittedDNSDomains, tbs.ExcludedDNSDomains, tbs.PermittedIPRanges, tbs.ExcludedIPRanges))
	}
}
