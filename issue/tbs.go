package issue

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A tbsCertificate is what the issuer's key signs.
type tbsCertificate struct {
	der  []byte            // TBSCertificate, RFC 5280 §4.1
	opts crypto.SignerOpts // hash and padding, as the algorithm in der has them
}

// toBeSigned encodes the contents. The standard library does that only on the way
// to a signature, so it gets a key that keeps what it is to sign and refuses.
func (p *prepared) toBeSigned() (*tbsCertificate, error) {
	issuer := p.authority.Certificate()
	key := &recorder{public: issuer.PublicKey}
	_, err := x509.CreateCertificate(rand.Reader, p.tbs, issuer, p.pub, key)
	if !errors.Is(err, errRecorded) {
		return nil, fmt.Errorf("encoding the contents: %w", err)
	}
	return &key.tbsCertificate, nil
}

// certificate puts the signature to it: the Certificate of RFC 5280 §4.1, whose
// signatureAlgorithm is that in the contents.
func (t *tbsCertificate) certificate(signature []byte) ([]byte, error) {
	var fields, algorithm cryptobyte.String
	der := cryptobyte.String(t.der)
	if !der.ReadASN1(&fields, asn1.SEQUENCE) ||
		!fields.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || // version
		!fields.SkipASN1(asn1.INTEGER) || // serialNumber
		!fields.ReadASN1Element(&algorithm, asn1.SEQUENCE) {
		return nil, errors.New("the contents have no signature algorithm")
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(t.der)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// errRecorded is what a recorder says once it has what it was made for.
var errRecorded = errors.New("recorded and not signed")

// A recorder is a key that signs nothing.
type recorder struct {
	public crypto.PublicKey
	tbsCertificate
}

// Public implements crypto.Signer.
func (r *recorder) Public() crypto.PublicKey { return r.public }

// Sign implements crypto.Signer, for form: SignMessage goes before it.
func (r *recorder) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("a digest is not what is recorded")
}

// SignMessage implements crypto.MessageSigner.
func (r *recorder) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.der, r.opts = message, opts
	return nil, errRecorded
}
