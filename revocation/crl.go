package revocation

import (
	"bufio"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	_ "crypto/sha512" // for the hashes of algorithmFor
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"
)

// A CRL is a signed certificate revocation list. It does not change.
type CRL struct {
	Issuer     string // our name of the issuer
	Number     int64  // RFC 5280 §5.2.3
	ThisUpdate time.Time
	NextUpdate time.Time
	ETag       string // strong entity tag with its quotes, RFC 9110 §8.8.3

	parts [][]byte // of the DER; those of the entries are shared with later lists
	size  int64

	issuer *issuer
	seq    uint64 // of the last addition that it has, see list
}

// Size returns the length of the DER in octets.
func (c *CRL) Size() int64 { return c.size }

// DER returns the list in one piece, a copy.
func (c *CRL) DER() []byte { return slices.Concat(c.parts...) }

// Reader returns a reader of the DER, which copies nothing; it fits
// http.ServeContent.
func (c *CRL) Reader() io.ReadSeeker { return &partsReader{parts: c.parts, size: c.size} }

// WritePEM writes the list as a PEM block "X509 CRL", RFC 7468 §9.
func (c *CRL) WritePEM(w io.Writer) error {
	buf := bufio.NewWriter(w)
	buf.WriteString("-----BEGIN X509 CRL-----\n") // buf keeps the first error for Flush
	lines := &lineBreaker{w: buf}
	enc := base64.NewEncoder(base64.StdEncoding, lines)
	for _, p := range c.parts {
		if _, err := enc.Write(p); err != nil {
			return err
		}
	}
	if err := errors.Join(enc.Close(), lines.end()); err != nil {
		return err
	}
	buf.WriteString("-----END X509 CRL-----\n")
	return buf.Flush()
}

// A tbsCertList is what a list says, RFC 5280 §5.1.2.
type tbsCertList struct {
	issuer     *issuer
	number     int64
	thisUpdate time.Time
	nextUpdate time.Time
	entries    [][]byte
}

// sign signs the list. Its entries are hashed where they are; only an algorithm
// that signs the message as a whole needs a copy.
func (t *tbsCertList) sign() (*CRL, error) {
	head, tail, err := t.encode()
	if err != nil {
		return nil, err
	}
	tbs := append(append([][]byte{head}, t.entries...), tail)
	signature, err := t.issuer.signParts(tbs)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	end := slices.Clone(t.issuer.algorithm.der)
	end = appendHeader(end, tagBitString, len(signature)+1)
	end = append(append(end, 0), signature...) // 0: no unused bits

	begin := appendHeader(nil, tagSequence, length(tbs)+len(end))
	parts := append(append([][]byte{begin}, tbs...), end)
	tag := sha256.Sum256(signature)
	return &CRL{
		Issuer:     t.issuer.Name,
		issuer:     t.issuer,
		Number:     t.number,
		ThisUpdate: t.thisUpdate,
		NextUpdate: t.nextUpdate,
		ETag:       `"` + hex.EncodeToString(tag[:12]) + `"`,
		parts:      parts,
		size:       int64(length(parts)),
	}, nil
}

// encode returns the encoding of the TBSCertList before and after its entries.
func (t *tbsCertList) encode() (head, tail []byte, err error) {
	tail, err = t.extensions()
	if err != nil {
		return nil, nil, err
	}
	fields := appendElement(nil, tagInteger, []byte{1}) // v2
	fields = append(fields, t.issuer.algorithm.der...)
	fields = append(fields, t.issuer.Certificate.RawSubject...)
	fields = appendTime(fields, t.thisUpdate)
	fields = appendTime(fields, t.nextUpdate)
	n := length(t.entries)
	if n > 0 { // §5.1.2.6: absent if there are none
		fields = appendHeader(fields, tagSequence, n)
	}
	head = appendHeader(nil, tagSequence, len(fields)+n+len(tail))
	return append(head, fields...), tail, nil
}

// issuingDistributionPoint has only the name of the distribution point, §5.2.5.
type issuingDistributionPoint struct {
	DistributionPoint struct {
		FullName []asn1.RawValue `asn1:"tag:0"`
	} `asn1:"tag:0"`
}

const tagContextURI = 6 // GeneralName uniformResourceIdentifier

// extensions returns the field crlExtensions.
func (t *tbsCertList) extensions() ([]byte, error) {
	type authorityKeyID struct {
		KeyIdentifier []byte `asn1:"tag:0"`
	}
	values := []struct {
		oid      asn1.ObjectIdentifier
		critical bool
		value    any
	}{
		{oidAuthorityKeyID, false, authorityKeyID{t.issuer.Certificate.SubjectKeyId}},
		{oidCRLNumber, false, big.NewInt(t.number)},
	}
	if t.issuer.IDPURL != "" {
		var idp issuingDistributionPoint
		uri := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagContextURI, Bytes: []byte(t.issuer.IDPURL)}
		idp.DistributionPoint.FullName = []asn1.RawValue{uri}
		values = append(values, struct {
			oid      asn1.ObjectIdentifier
			critical bool
			value    any
		}{oidIssuingDistributionPoint, true, idp})
	}
	var list []pkix.Extension
	for _, v := range values {
		der, err := asn1.Marshal(v.value)
		if err != nil {
			return nil, fmt.Errorf("extension %v: %w", v.oid, err)
		}
		list = append(list, pkix.Extension{Id: v.oid, Critical: v.critical, Value: der})
	}
	return asn1.MarshalWithParams(list, "tag:0,explicit")
}

// signParts signs the concatenation of parts.
func (i *issuer) signParts(parts [][]byte) ([]byte, error) {
	if i.algorithm.hash == 0 {
		return i.Signer.Sign(rand.Reader, slices.Concat(parts...), crypto.Hash(0))
	}
	h := i.algorithm.hash.New()
	for _, p := range parts {
		h.Write(p)
	}
	return i.Signer.Sign(rand.Reader, h.Sum(nil), i.algorithm.hash)
}

func length(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n
}
