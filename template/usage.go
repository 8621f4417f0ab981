package template

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"strings"
)

// keyUsages lists the names of the key usage bits (RFC 5280 §4.2.1.3) in the
// order of the bits.
var keyUsages = [...]struct {
	name string
	bit  x509.KeyUsage
}{
	{"digitalSignature", x509.KeyUsageDigitalSignature},
	{"contentCommitment", x509.KeyUsageContentCommitment},
	{"keyEncipherment", x509.KeyUsageKeyEncipherment},
	{"dataEncipherment", x509.KeyUsageDataEncipherment},
	{"keyAgreement", x509.KeyUsageKeyAgreement},
	{"certSign", x509.KeyUsageCertSign},
	{"crlSign", x509.KeyUsageCRLSign},
	{"encipherOnly", x509.KeyUsageEncipherOnly},
	{"decipherOnly", x509.KeyUsageDecipherOnly},
}

// extKeyUsages lists the names of extended key usages (RFC 5280 §4.2.1.12).
var extKeyUsages = [...]struct {
	name  string
	usage x509.ExtKeyUsage
	oid   asn1.ObjectIdentifier
}{
	{"any", x509.ExtKeyUsageAny, asn1.ObjectIdentifier{2, 5, 29, 37, 0}},
	{"serverAuth", x509.ExtKeyUsageServerAuth, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}},
	{"clientAuth", x509.ExtKeyUsageClientAuth, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}},
	{"codeSigning", x509.ExtKeyUsageCodeSigning, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}},
	{"emailProtection", x509.ExtKeyUsageEmailProtection, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}},
	{"ipsecEndSystem", x509.ExtKeyUsageIPSECEndSystem, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 5}},
	{"ipsecTunnel", x509.ExtKeyUsageIPSECTunnel, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 6}},
	{"ipsecUser", x509.ExtKeyUsageIPSECUser, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 7}},
	{"timeStamping", x509.ExtKeyUsageTimeStamping, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}},
	{"ocspSigning", x509.ExtKeyUsageOCSPSigning, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}},
	{"microsoftServerGatedCrypto", x509.ExtKeyUsageMicrosoftServerGatedCrypto, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 10, 3, 3}},
	{"netscapeServerGatedCrypto", x509.ExtKeyUsageNetscapeServerGatedCrypto, asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 4, 1}},
	{"microsoftCommercialCodeSigning", x509.ExtKeyUsageMicrosoftCommercialCodeSigning, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 22}},
	{"microsoftKernelCodeSigning", x509.ExtKeyUsageMicrosoftKernelCodeSigning, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 61, 1, 1}},
}

// KeyUsage is a set of key usages; JSON writes their names, and reads them
// without regard to case and underscores.
type KeyUsage x509.KeyUsage

// UnmarshalJSON implements json.Unmarshaler.
func (k *KeyUsage) UnmarshalJSON(data []byte) error {
	var names Strings
	if err := json.Unmarshal(data, &names); err != nil {
		return err
	}
	*k = 0
	for _, name := range names {
		bit, err := parseKeyUsage(name)
		if err != nil {
			return err
		}
		*k |= KeyUsage(bit)
	}
	return nil
}

func parseKeyUsage(name string) (x509.KeyUsage, error) {
	if sameUsage(name, "nonRepudiation") {
		return x509.KeyUsageContentCommitment, nil
	}
	for _, u := range keyUsages {
		if sameUsage(name, u.name) {
			return u.bit, nil
		}
	}
	return 0, fmt.Errorf("unsupported keyUsage %s", name)
}

// MarshalJSON implements json.Marshaler; no usage is null.
func (k KeyUsage) MarshalJSON() ([]byte, error) {
	var names []string
	for _, u := range keyUsages {
		if x509.KeyUsage(k)&u.bit != 0 {
			names = append(names, u.name)
		}
	}
	return json.Marshal(names)
}

// ExtKeyUsage is a list of extended key usages, written as JSON like KeyUsage.
type ExtKeyUsage []x509.ExtKeyUsage

// UnmarshalJSON implements json.Unmarshaler.
func (k *ExtKeyUsage) UnmarshalJSON(data []byte) error {
	var names Strings
	if err := json.Unmarshal(data, &names); err != nil {
		return err
	}
	*k = nil
	for _, name := range names {
		usage, err := parseExtKeyUsage(name)
		if err != nil {
			return err
		}
		*k = append(*k, usage)
	}
	return nil
}

func parseExtKeyUsage(name string) (x509.ExtKeyUsage, error) {
	for _, u := range extKeyUsages {
		if sameUsage(name, u.name) {
			return u.usage, nil
		}
	}
	return 0, fmt.Errorf("unsupported extKeyUsage %s", name)
}

// MarshalJSON implements json.Marshaler; no usage is an empty list.
func (k ExtKeyUsage) MarshalJSON() ([]byte, error) {
	names := make([]string, 0, len(k))
	for _, usage := range k {
		for _, u := range extKeyUsages {
			if u.usage == usage {
				names = append(names, u.name)
			}
		}
	}
	return json.Marshal(names)
}

func sameUsage(given, name string) bool {
	if strings.IndexByte(given, '_') >= 0 {
		given = strings.ReplaceAll(given, "_", "")
	}
	return strings.EqualFold(given, name)
}

// bits returns the named bit list of the extension, which DER shortens to the
// last bit that is set (X.690 §11.2.2).
func (k KeyUsage) bits() asn1.BitString {
	var octets [2]byte
	length := 0
	for i := range keyUsages {
		if k&(1<<i) != 0 {
			octets[i/8] |= 0x80 >> (i % 8)
			length = i + 1
		}
	}
	return asn1.BitString{Bytes: octets[:(length+7)/8], BitLength: length}
}

// oids returns the usages as the extension holds them.
func (k ExtKeyUsage) oids() []asn1.ObjectIdentifier {
	ids := make([]asn1.ObjectIdentifier, 0, len(k))
	for _, usage := range k {
		for _, u := range extKeyUsages {
			if u.usage == usage {
				ids = append(ids, u.oid)
			}
		}
	}
	return ids
}
