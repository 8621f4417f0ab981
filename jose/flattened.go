package jose

import "bytes"

// A flattened JWS (RFC 7515 §7.2.2) has the three parts of the compact form as its
// members, as all ACME clients send it.
type flattened struct{ protected, payload, signature []byte }

// scanFlattened takes a flattened JWS apart without a JSON decoder, which costs
// more than anything else about a small request but its signature. It knows no other
// form: where ok is false, what is wrong, or whether anything is, the decoder says.
func scanFlattened(data []byte) (f flattened, ok bool) {
	rest, ok := cutByte(data, '{')
	for ok {
		var name, value []byte
		if name, rest, ok = cutWord(rest); !ok {
			break
		}
		if rest, ok = cutByte(rest, ':'); !ok {
			break
		}
		if value, rest, ok = cutWord(rest); !ok || !f.set(name, value) {
			break
		}
		if next, more := cutByte(rest, ','); more {
			rest = next
			continue
		}
		rest, ok = cutByte(rest, '}')
		return f, ok && len(skipSpace(rest)) == 0 && f.protected != nil && f.payload != nil && f.signature != nil
	}
	return flattened{}, false
}

// set takes a member that was not there before.
func (f *flattened) set(name, value []byte) bool {
	var to *[]byte
	switch string(name) {
	case "protected":
		to = &f.protected
	case "payload":
		to = &f.payload
	case "signature":
		to = &f.signature
	}
	if to == nil || *to != nil {
		return false
	}
	*to = value
	return true
}

func skipSpace(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// cutByte returns what follows a byte and the white space before it.
func cutByte(data []byte, b byte) (rest []byte, ok bool) {
	if data = skipSpace(data); len(data) == 0 || data[0] != b {
		return nil, false
	}
	return data[1:], true
}

// cutWord returns a JSON string of base64url characters, which means itself, and
// what follows it.
func cutWord(data []byte) (word, rest []byte, ok bool) {
	if data, ok = cutByte(data, '"'); !ok {
		return nil, nil, false
	}
	for i, c := range data {
		switch {
		case c == '"':
			return data[:i:i], data[i+1:], true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}
