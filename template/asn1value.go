package template

import (
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// EncodeValue returns the DER encoding of a value in the language of otherName
// values and of the function asn1Enc: "type:text", where what stands before the
// first colon is one of
//
//	printable (the default), utf8, ia5, numeric, int, oid, bool, boolean,
//	utc, generalized (RFC 3339 times), raw (base64 of DER)
//
// and may go on with field parameters of encoding/asn1 after commas. An unknown
// type is dropped and its text taken as printable.
func EncodeValue(s string) ([]byte, error) {
	typ, params, text := splitValue(s)
	var v any = text
	var err error
	switch typ {
	case "raw":
		return base64.StdEncoding.DecodeString(text)
	case "utf8":
		if !utf8.ValidString(text) {
			err = errors.New("invalid utf8 value")
		}
		params = "utf8," + params
	case "ia5":
		err = checkIA5(text)
		params = "ia5," + params
	case "numeric":
		params = "numeric," + params
	case "int":
		v, err = strconv.ParseInt(text, 10, 64)
	case "oid":
		v, err = ParseOID(text)
	case "bool", "boolean":
		v, err = strconv.ParseBool(text)
	case "utc", "generalized":
		v, err = parseTimeValue(text)
		params = typ + "," + params
	default:
		if err = checkPrintable(text); err == nil && strings.Contains(text, "&") {
			// encoding/asn1 refuses to write the ampersand.
			v = asn1.RawValue{Tag: asn1.TagPrintableString, Bytes: []byte(text)}
		}
		params = "printable," + params
	}
	if err != nil {
		return nil, fmt.Errorf("encoding %.100q: %w", s, err)
	}
	der, err := asn1.MarshalWithParams(v, strings.TrimSuffix(params, ","))
	if err != nil {
		return nil, fmt.Errorf("encoding %.100q: %w", s, err)
	}
	return der, nil
}

// splitValue splits a value at its first colon, and the type at its first comma.
func splitValue(s string) (typ, params, text string) {
	head, text, ok := strings.Cut(s, ":")
	if !ok {
		return "printable", "", s
	}
	typ, params, _ = strings.Cut(head, ",")
	return typ, params, text
}

// checkPrintable refuses what a PrintableString cannot hold, but for the '*' and
// '&' that certificates carry in practice.
func checkPrintable(s string) error {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(" '()+,-./:=?*&", c) >= 0:
		default:
			return errors.New("invalid printable value")
		}
	}
	return nil
}

// goTimeLayout is what time.Time.String writes, without the name of the zone and
// the reading of the monotonic clock that may follow.
const goTimeLayout = "2006-01-02 15:04:05.999999999 -0700"

const goTimeFields = 3 // separated by spaces

func parseTimeValue(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		fields := strings.Fields(s)
		fields = fields[:min(len(fields), goTimeFields)]
		if t, err = time.Parse(goTimeLayout, strings.Join(fields, " ")); err != nil {
			return time.Time{}, errors.New("invalid time value, it must be as in RFC 3339")
		}
	}
	return t.UTC(), nil
}
