package template

import (
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/net/idna"

	"stepca/ca"
)

// GeneralName encodes the name.
func (s *SAN) GeneralName() (GeneralName, error) {
	switch s.Type {
	case sanRegisteredID:
		return s.registeredID()
	case sanUserPrincipalName:
		return newOtherName(oidUserPrincipalName, []byte(s.Value), cryptobyteasn1.UTF8String)
	case sanPermanentIdentifier:
		return s.permanentIdentifier()
	case sanHardwareModuleName:
		return s.hardwareModuleName()
	case sanDirectoryName:
		return s.directoryName()
	case sanX400Address, sanEDIPartyName:
		return GeneralName{}, fmt.Errorf("unimplemented SAN type %s", s.Type)
	}
	if s.isPlain() {
		return s.plainName()
	}
	if oid, err := ParseOID(s.Type); err == nil {
		return s.otherName(oid)
	}
	return GeneralName{}, fmt.Errorf("unsupported SAN type %s", s.Type)
}

func (s *SAN) plainName() (GeneralName, error) {
	switch s.plainType() {
	case ca.DNS:
		name, err := asciiHost(s.Value)
		if err != nil {
			return GeneralName{}, fmt.Errorf("error converting %q to ia5: %w", s.Value, err)
		}
		return GeneralName{Tag: TagDNSName, Value: []byte(name)}, nil
	case ca.IP:
		ip := net.ParseIP(s.Value)
		if ip == nil {
			return GeneralName{}, fmt.Errorf("subject alternative name %q is not an IP address", s.Value)
		}
		return GeneralName{Tag: TagIPAddress, Value: shortIP(ip)}, nil
	case ca.Email:
		return ia5Name(TagRFC822Name, s.Value)
	default:
		return ia5Name(TagURI, s.Value)
	}
}

func ia5Name(tag NameTag, value string) (GeneralName, error) {
	if err := checkIA5(value); err != nil {
		return GeneralName{}, fmt.Errorf("subject alternative name %q: %w", value, err)
	}
	return GeneralName{Tag: tag, Value: []byte(value)}, nil
}

// asciiHost converts a host name to lower-case A-labels, keeping a leading
// wildcard label.
func asciiHost(host string) (string, error) {
	rest, wildcard := strings.CutPrefix(host, "*.")
	ascii, err := idna.Lookup.ToASCII(rest)
	if err != nil {
		return "", err
	}
	if wildcard {
		return "*." + ascii, nil
	}
	return ascii, nil
}

func (s *SAN) registeredID() (GeneralName, error) {
	oid, err := ParseOID(s.Value)
	if err != nil {
		return GeneralName{}, fmt.Errorf("registeredID: %w", err)
	}
	der, err := asn1.Marshal(oid)
	if err != nil {
		return GeneralName{}, fmt.Errorf("registeredID: %w", err)
	}
	input, contents := cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&contents, cryptobyteasn1.OBJECT_IDENTIFIER) {
		return GeneralName{}, fmt.Errorf("registeredID %q cannot be encoded", s.Value)
	}
	return GeneralName{Tag: TagRegisteredID, Value: contents}, nil
}

// permanentIdentifier encodes RFC 4043's SEQUENCE { UTF8String OPTIONAL, OBJECT
// IDENTIFIER OPTIONAL }.
func (s *SAN) permanentIdentifier() (GeneralName, error) {
	id := struct {
		Identifier string `json:"identifier"`
		Assigner   OID    `json:"assigner"`
	}{Identifier: s.Value}
	if len(s.ASN1Value) > 0 && !isNull(s.ASN1Value) {
		id.Identifier = ""
		if err := json.Unmarshal(s.ASN1Value, &id); err != nil {
			return GeneralName{}, fmt.Errorf("asn1Value of a permanentIdentifier: %w", err)
		}
	}
	return buildOtherName(oidPermanentIdentifier, func(b *cryptobyte.Builder) {
		b.AddASN1(cryptobyteasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if id.Identifier != "" {
				b.AddASN1(cryptobyteasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(id.Identifier)) })
			}
			if len(id.Assigner) > 0 {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier(id.Assigner))
			}
		})
	})
}

// hardwareModuleName encodes RFC 4108 §5: SEQUENCE { hwType OBJECT IDENTIFIER,
// hwSerialNum OCTET STRING }. The reference tags the serial number [4], which
// readers of the RFC do not understand.
func (s *SAN) hardwareModuleName() (GeneralName, error) {
	var module struct {
		Type         OID    `json:"type"`
		SerialNumber []byte `json:"serialNumber"`
	}
	if err := json.Unmarshal(s.asn1Text(), &module); err != nil {
		return GeneralName{}, fmt.Errorf("asn1Value of a hardwareModuleName: %w", err)
	}
	if len(module.Type) == 0 {
		return GeneralName{}, errors.New("asn1Value of a hardwareModuleName has no type")
	}
	return buildOtherName(oidHardwareModuleName, func(b *cryptobyte.Builder) {
		b.AddASN1(cryptobyteasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier(module.Type))
			b.AddASN1OctetString(module.SerialNumber)
		})
	})
}

func (s *SAN) directoryName() (GeneralName, error) {
	var name Name
	if err := json.Unmarshal(s.asn1Text(), &name); err != nil {
		return GeneralName{}, fmt.Errorf("asn1Value of a dn: %w", err)
	}
	dn, err := name.PKIX()
	if err != nil {
		return GeneralName{}, fmt.Errorf("asn1Value of a dn: %w", err)
	}
	der, err := asn1.Marshal(dn.ToRDNSequence())
	if err != nil {
		return GeneralName{}, fmt.Errorf("asn1Value of a dn: %w", err)
	}
	if isEmptyNameDER(der) {
		return GeneralName{}, errors.New("a dn has no attribute")
	}
	return GeneralName{Tag: TagDirectoryName, Value: der}, nil
}

// asn1Text returns the JSON value, which may also stand as text in Value.
func (s *SAN) asn1Text() []byte {
	if len(s.ASN1Value) > 0 && !isNull(s.ASN1Value) {
		return s.ASN1Value
	}
	return []byte(s.Value)
}

// otherName encodes a value in the language of EncodeValue. A raw value must
// bring the explicit tag itself.
func (s *SAN) otherName(oid asn1.ObjectIdentifier) (GeneralName, error) {
	der, err := EncodeValue(s.Value)
	if err != nil {
		return GeneralName{}, fmt.Errorf("SAN of type %s: %w", s.Type, err)
	}
	if typ, _, _ := splitValue(s.Value); typ == "raw" {
		return GeneralName{Tag: TagOtherName, OID: oid, Value: der}, nil
	}
	return buildOtherName(oid, func(b *cryptobyte.Builder) { b.AddBytes(der) })
}

func newOtherName(oid asn1.ObjectIdentifier, contents []byte, tag cryptobyteasn1.Tag) (GeneralName, error) {
	return buildOtherName(oid, func(b *cryptobyte.Builder) {
		b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	})
}

// buildOtherName wraps the value in the explicit tag [0].
func buildOtherName(oid asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) (GeneralName, error) {
	var b cryptobyte.Builder
	b.AddASN1(cryptobyteasn1.Tag(0).ContextSpecific().Constructed(), value)
	der, err := b.Bytes()
	if err != nil {
		return GeneralName{}, fmt.Errorf("otherName %v: %w", oid, err)
	}
	return GeneralName{Tag: TagOtherName, OID: oid, Value: der}, nil
}
