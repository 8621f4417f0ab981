package api

import (
	"stepca/ca"
	"stepca/plainjson"
)

// The methods ReadPlain below read a body that is plain JSON, and report whether it
// was: then it holds what encoding/json would have decoded, and else it is as
// before. Servers try them first, since they take much less time.

// ReadPlain reads a plain body.
func (b *SignRequest) ReadPlain(data []byte) bool {
	var v SignRequest
	return readPlain(data, b, &v, func(r *plainjson.Reader, name []byte) {
		switch string(name) {
		case "csr":
			if v.CSR.UnmarshalText(r.Text()) != nil {
				r.Fail()
			}
		case "ott":
			v.Token = r.String()
		case "notAfter":
			v.NotAfter = readTime(r)
		case "notBefore":
			v.NotBefore = readTime(r)
		default:
			r.Fail() // templateData, which is rare, or a name in another case
		}
	})
}

// ReadPlain reads a plain body.
func (b *RevokeRequest) ReadPlain(data []byte) bool {
	var v RevokeRequest
	return readPlain(data, b, &v, func(r *plainjson.Reader, name []byte) {
		switch string(name) {
		case "serial":
			v.Serial = r.String()
		case "ott":
			v.Token = r.String()
		case "reasonCode":
			code := r.Int()
			if v.ReasonCode = int(code); int64(v.ReasonCode) != code {
				r.Fail() // too large for this platform
			}
		case "reason":
			v.Reason = r.String()
		case "passive":
			v.Passive = r.Bool()
		default:
			r.Fail()
		}
	})
}

// ReadPlain reads a plain body.
func (b *SSHSignRequest) ReadPlain(data []byte) bool {
	var v SSHSignRequest
	return readPlain(data, b, &v, func(r *plainjson.Reader, name []byte) {
		switch string(name) {
		case "publicKey":
			v.PublicKey = r.Bytes()
		case "ott":
			v.Token = r.String()
		case "certType":
			v.CertType = ca.SSHCertType(r.String())
		case "keyID":
			v.KeyID = r.String()
		case "principals":
			v.Principals = r.Strings()
		case "validAfter":
			v.ValidAfter = readTime(r)
		case "validBefore":
			v.ValidBefore = readTime(r)
		case "addUserPublicKey":
			v.AddUserPublicKey = r.Bytes()
		case "identityCSR":
			if v.IdentityCSR.UnmarshalText(r.Text()) != nil {
				r.Fail()
			}
		default:
			r.Fail()
		}
	})
}

// readPlain reads an object into v with member, and copies it to body if it was
// plain.
func readPlain[T any](data []byte, body, v *T, member func(r *plainjson.Reader, name []byte)) bool {
	r := plainjson.NewReader(data)
	for name := range r.Members() {
		member(r, name)
	}
	if !r.Done() {
		return false
	}
	*body = *v
	return true
}

func readTime(r *plainjson.Reader) ca.TimeOrDuration {
	t, err := ca.ParseTimeOrDuration(r.String())
	if err != nil {
		r.Fail()
	}
	return t
}
