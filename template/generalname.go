package template

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"stepca/ca"
)

// A NameTag is the context tag of a GeneralName (RFC 5280 §4.2.1.6).
type NameTag uint8

// The kinds of general names.
const (
	TagOtherName NameTag = iota
	TagRFC822Name
	TagDNSName
	TagX400Address
	TagDirectoryName
	TagEDIPartyName
	TagURI
	TagIPAddress
	TagRegisteredID
)

var nameTags = [...]string{"otherName", "rfc822Name", "dNSName", "x400Address", "directoryName", "ediPartyName", "uniformResourceIdentifier", "iPAddress", "registeredID"}

// String returns the field name of RFC 5280.
func (t NameTag) String() string {
	if int(t) < len(nameTags) {
		return nameTags[t]
	}
	return fmt.Sprintf("general name [%d]", uint8(t))
}

// A GeneralName is one name of a subjectAltName extension.
type GeneralName struct {
	Tag NameTag

	// Value holds the contents octets: the characters of an rfc822Name, dNSName
	// or URI, 4 or 16 octets of an iPAddress, the contents of a registeredID,
	// the DER of a directoryName's Name. Of an otherName it is all that follows
	// the type: normally an explicit tag [0] with the value inside.
	Value []byte

	// OID is the type of an otherName; nil for the others.
	OID asn1.ObjectIdentifier
}

// Types of otherNames that have a SAN type of their own.
var (
	oidUserPrincipalName   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
	oidPermanentIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 3}
	oidHardwareModuleName  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 4}
)

// MarshalGeneralNames returns the value of a subjectAltName extension.
func MarshalGeneralNames(names []GeneralName) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cryptobyteasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, name := range names {
			name.marshal(b)
		}
	})
	return b.Bytes()
}

func (g GeneralName) marshal(b *cryptobyte.Builder) {
	tag := cryptobyteasn1.Tag(g.Tag).ContextSpecific()
	switch g.Tag {
	case TagOtherName, TagX400Address, TagDirectoryName, TagEDIPartyName:
		tag = tag.Constructed()
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		if g.Tag == TagOtherName {
			b.AddASN1ObjectIdentifier(g.OID)
		}
		b.AddBytes(g.Value)
	})
}

// ParseGeneralNames parses the value of a subjectAltName extension. It accepts
// every kind of general name, and refuses what is not DER, is empty, or has text
// or addresses that no such name can hold.
func ParseGeneralNames(der []byte) ([]GeneralName, error) {
	input, list := cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&list, cryptobyteasn1.SEQUENCE) || !input.Empty() {
		return nil, errors.New("subject alternative name extension is not a DER sequence")
	}
	var names []GeneralName
	for !list.Empty() {
		var contents cryptobyte.String
		var tag cryptobyteasn1.Tag
		if !list.ReadAnyASN1(&contents, &tag) {
			return nil, errors.New("subject alternative name extension is not DER")
		}
		name, err := parseGeneralName(tag, contents)
		if err != nil {
			return nil, fmt.Errorf("subject alternative name %d: %w", len(names)+1, err)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, errors.New("subject alternative name extension has no name")
	}
	return names, nil
}

const (
	tagClassMask   = 0xc0
	tagConstructed = 0x20
	tagNumberMask  = 0x1f
)

func parseGeneralName(tag cryptobyteasn1.Tag, contents cryptobyte.String) (GeneralName, error) {
	name := GeneralName{Tag: NameTag(tag & tagNumberMask), Value: contents}
	constructed := tag&tagConstructed != 0
	if tag&tagClassMask != 0x80 || name.Tag > TagRegisteredID {
		return name, fmt.Errorf("tag %#x is not that of a general name", uint8(tag))
	}
	switch name.Tag {
	case TagOtherName, TagX400Address, TagDirectoryName, TagEDIPartyName:
		if !constructed {
			return name, fmt.Errorf("%s is not constructed", name.Tag)
		}
	default:
		if constructed {
			return name, fmt.Errorf("%s is not primitive", name.Tag)
		}
	}
	return name, name.parseContents(contents)
}

// parseContents checks the contents, and takes the type off an otherName's.
func (g *GeneralName) parseContents(contents cryptobyte.String) error {
	switch g.Tag {
	case TagOtherName:
		if !contents.ReadASN1ObjectIdentifier(&g.OID) || contents.Empty() {
			return errors.New("otherName lacks its type or value")
		}
		g.Value = contents
	case TagRFC822Name, TagDNSName, TagURI:
		if err := checkIA5(string(contents)); err != nil {
			return fmt.Errorf("%s %q: %w", g.Tag, contents, err)
		}
	case TagIPAddress:
		if len(contents) != net.IPv4len && len(contents) != net.IPv6len {
			return fmt.Errorf("iPAddress has %d octets", len(contents))
		}
	case TagDirectoryName:
		if _, err := parseName(contents); err != nil {
			return err
		}
	case TagRegisteredID:
		if _, err := g.registeredID(); err != nil {
			return err
		}
	}
	return nil
}

func (g GeneralName) registeredID() (asn1.ObjectIdentifier, error) {
	var b cryptobyte.Builder
	b.AddASN1(cryptobyteasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(g.Value) })
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(der, &oid); err != nil {
		return nil, fmt.Errorf("registeredID: %w", err)
	}
	return oid, nil
}

// Identifier returns the name for checks and messages. A DNS name, IP address,
// e-mail address, URI and permanent identifier have that type and the plain
// value; anything else is ca.OtherName with a description.
func (g GeneralName) Identifier() ca.Identifier {
	switch g.Tag {
	case TagDNSName:
		return ca.Identifier{Type: ca.DNS, Value: string(g.Value)}
	case TagRFC822Name:
		return ca.Identifier{Type: ca.Email, Value: string(g.Value)}
	case TagURI:
		return ca.Identifier{Type: ca.URI, Value: string(g.Value)}
	case TagIPAddress:
		return ca.Identifier{Type: ca.IP, Value: net.IP(g.Value).String()}
	case TagOtherName:
		return g.otherNameIdentifier()
	case TagDirectoryName:
		if name, err := parseName(g.Value); err == nil {
			return ca.Identifier{Type: ca.OtherName, Value: "directoryName " + name.String()}
		}
	case TagRegisteredID:
		if oid, err := g.registeredID(); err == nil {
			return ca.Identifier{Type: ca.OtherName, Value: "registeredID " + oid.String()}
		}
	}
	return ca.Identifier{Type: ca.OtherName, Value: g.Tag.String()}
}

func (g GeneralName) otherNameIdentifier() ca.Identifier {
	switch {
	case g.OID.Equal(oidPermanentIdentifier):
		if value, assigner, err := g.permanentIdentifier(); err == nil && value != "" && len(assigner) == 0 {
			return ca.Identifier{Type: ca.PermanentIdentifier, Value: value}
		}
	case g.OID.Equal(oidUserPrincipalName):
		if upn, err := g.userPrincipalName(); err == nil {
			return ca.Identifier{Type: ca.OtherName, Value: "userPrincipalName " + upn}
		}
	}
	return ca.Identifier{Type: ca.OtherName, Value: "otherName " + g.OID.String() + " " + shortHex(g.Value)}
}

// shortHex keeps descriptions short.
func shortHex(b []byte) string {
	const shown = 32 // octets
	if len(b) > shown {
		return hex.EncodeToString(b[:shown]) + "…"
	}
	return hex.EncodeToString(b)
}

// explicitValue returns what stands inside the tag [0] of an otherName.
func (g GeneralName) explicitValue() (cryptobyte.String, bool) {
	input, value := cryptobyte.String(g.Value), cryptobyte.String(nil)
	ok := input.ReadASN1(&value, cryptobyteasn1.Tag(0).ContextSpecific().Constructed()) && input.Empty()
	return value, ok
}

// permanentIdentifier parses RFC 4043's SEQUENCE { UTF8String OPTIONAL, OBJECT
// IDENTIFIER OPTIONAL }.
func (g GeneralName) permanentIdentifier() (value string, assigner asn1.ObjectIdentifier, err error) {
	wrapped, ok := g.explicitValue()
	var seq, text cryptobyte.String
	var hasText bool
	if !ok || !wrapped.ReadASN1(&seq, cryptobyteasn1.SEQUENCE) || !wrapped.Empty() ||
		!seq.ReadOptionalASN1(&text, &hasText, cryptobyteasn1.UTF8String) || !utf8.Valid(text) {
		return "", nil, errors.New("malformed permanent identifier")
	}
	if !seq.Empty() && (!seq.ReadASN1ObjectIdentifier(&assigner) || !seq.Empty()) {
		return "", nil, errors.New("malformed permanent identifier")
	}
	return string(text), assigner, nil
}

func (g GeneralName) userPrincipalName() (string, error) {
	wrapped, ok := g.explicitValue()
	var text cryptobyte.String
	if !ok || !wrapped.ReadASN1(&text, cryptobyteasn1.UTF8String) || !wrapped.Empty() || !utf8.Valid(text) {
		return "", errors.New("malformed user principal name")
	}
	return string(text), nil
}

// GeneralNames returns the names that x509.CreateCertificate will write for
// cert: those of a subjectAltName among its extra extensions, which replaces the
// name fields, or else those of the fields. A certificate that was parsed gives
// the names of its extension. There may be none.
func GeneralNames(cert *x509.Certificate) ([]GeneralName, error) {
	for _, list := range [...][]pkix.Extension{cert.ExtraExtensions, cert.Extensions} {
		var names []GeneralName
		for _, ext := range list {
			if !ext.Id.Equal(oidSubjectAltName) {
				continue
			}
			if names != nil {
				return nil, errors.New("two subject alternative name extensions")
			}
			var err error
			if names, err = ParseGeneralNames(ext.Value); err != nil {
				return nil, err
			}
		}
		if names != nil {
			return names, nil
		}
	}
	return fieldNames(cert), nil
}

func fieldNames(cert *x509.Certificate) []GeneralName {
	names := make([]GeneralName, 0, len(cert.DNSNames)+len(cert.EmailAddresses)+len(cert.IPAddresses)+len(cert.URIs))
	for _, s := range cert.DNSNames {
		names = append(names, GeneralName{Tag: TagDNSName, Value: []byte(s)})
	}
	for _, s := range cert.EmailAddresses {
		names = append(names, GeneralName{Tag: TagRFC822Name, Value: []byte(s)})
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, GeneralName{Tag: TagIPAddress, Value: shortIP(ip)})
	}
	for _, uri := range cert.URIs {
		names = append(names, GeneralName{Tag: TagURI, Value: []byte(uri.String())})
	}
	return names
}

// shortIP returns 4 octets for an IPv4 address, as certificates hold it.
func shortIP(ip net.IP) []byte {
	if v4 := ip.To4(); v4 != nil {
		return v4
	}
	return ip
}
