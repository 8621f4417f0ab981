package template

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
)

// SerialNumber is a certificate's serial number. JSON writes a 64-bit integer, or
// a string with the prefixes of Go integer literals (0x, 0o, 0, 0b) or none.
type SerialNumber struct{ *big.Int }

// maxSerialDigits bounds the text of a serial number: RFC 5280 §4.1.2.2 allows
// 20 octets, which are 160 binary digits.
const maxSerialDigits = 164

// UnmarshalJSON implements json.Unmarshaler.
func (n *SerialNumber) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		n.Int = nil
		return nil
	}
	if data[0] != '"' {
		var i int64
		if err := json.Unmarshal(data, &i); err != nil {
			return err
		}
		n.Int = big.NewInt(i)
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	i, ok := new(big.Int), false
	if len(s) <= maxSerialDigits {
		i, ok = i.SetString(s, 0)
	}
	if !ok {
		return fmt.Errorf("serialNumber %.40q is not a number of at most 20 octets", s)
	}
	n.Int = i
	return nil
}

// MarshalJSON implements json.Marshaler.
func (n SerialNumber) MarshalJSON() ([]byte, error) {
	if n.Int == nil {
		return []byte("null"), nil
	}
	return n.Int.MarshalJSON()
}

// IPAddresses is a list of IP addresses; JSON may also write a single string.
type IPAddresses []net.IP

// UnmarshalJSON implements json.Unmarshaler.
func (a *IPAddresses) UnmarshalJSON(data []byte) error {
	var list Strings
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*a = nil
	for _, s := range list {
		ip := net.ParseIP(s)
		if ip == nil {
			return fmt.Errorf("%q is not an IP address", s)
		}
		*a = append(*a, ip)
	}
	return nil
}

// URIs is a list of URIs; JSON may also write a single string.
type URIs []*url.URL

// UnmarshalJSON implements json.Unmarshaler.
func (u *URIs) UnmarshalJSON(data []byte) error {
	var list Strings
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*u = nil
	for _, s := range list {
		uri, err := url.Parse(s)
		if err != nil {
			return err
		}
		*u = append(*u, uri)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (u URIs) MarshalJSON() ([]byte, error) {
	if u == nil {
		return []byte("null"), nil
	}
	list := make([]string, len(u))
	for i, uri := range u {
		list[i] = uri.String()
	}
	return json.Marshal(list)
}

// SignatureAlgorithm is how the certificate is to be signed; zero leaves it to
// the issuer's key. JSON writes the name, in any case, or an empty string.
type SignatureAlgorithm x509.SignatureAlgorithm

var signatureAlgorithms = [...]struct {
	name      string
	algorithm x509.SignatureAlgorithm
}{
	{"MD2-RSA", x509.MD2WithRSA},
	{"MD5-RSA", x509.MD5WithRSA},
	{"SHA1-RSA", x509.SHA1WithRSA},
	{"SHA256-RSA", x509.SHA256WithRSA},
	{"SHA384-RSA", x509.SHA384WithRSA},
	{"SHA512-RSA", x509.SHA512WithRSA},
	{"SHA256-RSAPSS", x509.SHA256WithRSAPSS},
	{"SHA384-RSAPSS", x509.SHA384WithRSAPSS},
	{"SHA512-RSAPSS", x509.SHA512WithRSAPSS},
	{"DSA-SHA1", x509.DSAWithSHA1},
	{"DSA-SHA256", x509.DSAWithSHA256},
	{"ECDSA-SHA1", x509.ECDSAWithSHA1},
	{"ECDSA-SHA256", x509.ECDSAWithSHA256},
	{"ECDSA-SHA384", x509.ECDSAWithSHA384},
	{"ECDSA-SHA512", x509.ECDSAWithSHA512},
	{"Ed25519", x509.PureEd25519},
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *SignatureAlgorithm) UnmarshalJSON(data []byte) error {
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return err
	}
	*s = 0
	if name == "" {
		return nil
	}
	for _, a := range signatureAlgorithms {
		if strings.EqualFold(a.name, name) {
			*s = SignatureAlgorithm(a.algorithm)
			return nil
		}
	}
	return fmt.Errorf("unsupported signatureAlgorithm %s", name)
}

// MarshalJSON implements json.Marshaler.
func (s SignatureAlgorithm) MarshalJSON() ([]byte, error) {
	for _, a := range signatureAlgorithms {
		if a.algorithm == x509.SignatureAlgorithm(s) {
			return json.Marshal(a.name)
		}
	}
	return []byte(`""`), nil
}
