package template

import (
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Strings is a list that JSON may also write as a single string. null and an
// absent member are nil.
type Strings []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *Strings) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*s = Strings{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(s))
}

// OID is an object identifier that JSON writes in dotted form.
type OID asn1.ObjectIdentifier

// ParseOID parses the dotted form of an object identifier: at least two arcs,
// the first at most 2, the second below 40 unless the first is 2 (X.660).
func ParseOID(s string) (asn1.ObjectIdentifier, error) {
	arcs := strings.Split(s, ".")
	if len(arcs) < 2 {
		return nil, fmt.Errorf("object identifier %q needs at least two arcs", s)
	}
	oid := make(asn1.ObjectIdentifier, len(arcs))
	for i, arc := range arcs {
		n, err := strconv.ParseUint(arc, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("object identifier %q has an invalid arc %q", s, arc)
		}
		oid[i] = int(n)
	}
	if oid[0] > 2 || oid[0] < 2 && oid[1] >= 40 {
		return nil, fmt.Errorf("object identifier %q is out of range", s)
	}
	return oid, nil
}

// MarshalJSON implements json.Marshaler.
func (o OID) MarshalJSON() ([]byte, error) {
	return json.Marshal(asn1.ObjectIdentifier(o).String())
}

// UnmarshalJSON implements json.Unmarshaler. An empty string and null are nil.
func (o *OID) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*o = nil
	if s == "" {
		return nil
	}
	oid, err := ParseOID(s)
	if err != nil {
		return err
	}
	*o = OID(oid)
	return nil
}

// OIDs is a list of object identifiers; JSON may also write a single string.
type OIDs []asn1.ObjectIdentifier

// MarshalJSON implements json.Marshaler.
func (o OIDs) MarshalJSON() ([]byte, error) {
	if o == nil {
		return []byte("null"), nil
	}
	dotted := make([]string, len(o))
	for i, oid := range o {
		dotted[i] = oid.String()
	}
	return json.Marshal(dotted)
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *OIDs) UnmarshalJSON(data []byte) error {
	var dotted Strings
	if err := json.Unmarshal(data, &dotted); err != nil {
		return err
	}
	*o = nil
	for _, s := range dotted {
		oid, err := ParseOID(s)
		if err != nil {
			return err
		}
		*o = append(*o, oid)
	}
	return nil
}

// isNull reports whether a JSON value is null.
func isNull(data []byte) bool { return string(data) == "null" }

// checkIA5 refuses a string that an IA5String cannot hold.
func checkIA5(s string) error {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return errors.New("it has characters outside ASCII")
		}
	}
	return nil
}
