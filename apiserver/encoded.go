package apiserver

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"

	"stepca/api"
	"stepca/issue"
)

// encoded holds the JSON of what is the same in every answer with a certificate.
// It does not change.
type encoded struct {
	issuers    map[*x509.Certificate][]byte
	tlsOptions []byte // empty for none
}

func encode(issuers []*x509.Certificate, options *api.TLSOptions) *encoded {
	e := &encoded{issuers: make(map[*x509.Certificate][]byte)}
	for _, crt := range issuers {
		e.issuers[crt] = api.AppendCertificate(nil, crt)
	}
	if options != nil {
		e.tlsOptions, _ = json.Marshal(options) // strings and numbers, which have JSON; a hint in any case
	}
	return e
}

// signResponse returns the JSON of an api.SignResponse, as encoding/json writes
// it with a line end. The chain's first certificate is the only one that is
// encoded for it.
func (e *encoded) signResponse(chain []*x509.Certificate) []byte {
	parts := make([][]byte, len(chain))
	size := 0
	for i, crt := range chain {
		if parts[i] = e.issuers[crt]; parts[i] == nil {
			parts[i] = api.AppendCertificate(nil, crt)
		}
		size += 2*len(parts[i]) + 1
	}
	issuer := []byte("null")
	if len(parts) > 1 {
		issuer = parts[1]
	}
	body := make([]byte, 0, size+len(e.tlsOptions)+64)
	body = append(append(body, `{"crt":`...), parts[0]...)
	body = append(append(body, `,"ca":`...), issuer...)
	body = append(body, `,"certChain":[`...)
	for i, part := range parts {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, part...)
	}
	body = append(body, ']')
	if len(e.tlsOptions) > 0 {
		body = append(append(body, `,"tlsOptions":`...), e.tlsOptions...)
	}
	return append(body, "}\n"...)
}

// sshSignResponse returns the JSON of an api.SSHSignResponse likewise.
func sshSignResponse(certs *issue.SSHCertificates) []byte {
	size := base64.StdEncoding.EncodedLen(len(certs.Wire)+len(certs.AddUserWire)) + 128
	body := appendBase64(append(make([]byte, 0, size), `{"crt":`...), certs.Wire)
	if certs.AddUser != nil {
		body = appendBase64(append(body, `,"addUserCrt":`...), certs.AddUserWire)
	}
	if certs.Identity != nil {
		body = append(body, `,"identityCrt":[`...)
		for i, crt := range certs.Identity.Chain {
			if i > 0 {
				body = append(body, ',')
			}
			body = api.AppendCertificate(body, crt)
		}
		body = append(body, ']')
	}
	return append(body, "}\n"...)
}

// appendBase64 appends the JSON of a byte slice.
func appendBase64(body, data []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(body, '"'), data), '"')
}
