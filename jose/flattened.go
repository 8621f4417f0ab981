package jose

import "stepca/plainjson"

// A flattened JWS (RFC 7515 §7.2.2) has the three parts of the compact form as its
// members, as all ACME clients send it.
type flattened struct{ protected, payload, signature []byte }

// readFlattened reads a flattened JWS as clients write it.
func readFlattened(data []byte) (f flattened, ok bool) {
	r := plainjson.NewReader(data)
	for name := range r.Members() {
		switch string(name) {
		case "protected":
			f.protected = r.Text()
		case "payload":
			f.payload = r.Text()
		case "signature":
			f.signature = r.Text()
		default:
			r.Fail()
		}
	}
	return f, r.Done() && f.protected != nil && f.payload != nil && f.signature != nil
}
