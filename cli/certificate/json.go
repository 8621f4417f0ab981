package certificate

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"fmt"

	zx509 "github.com/zmap/zcrypto/x509"
)

// asJSON writes certificates in the form of zcrypto, which scripts know: one
// certificate is an object, several are a list.
func asJSON(in *contents) ([]byte, error) {
	var v any
	switch {
	case in.request != nil:
		v = newJSONRequest(in.request)
	default:
		certs := make([]*zx509.Certificate, len(in.certs))
		for i, cert := range in.certs {
			var err error
			if certs[i], err = zx509.ParseCertificate(cert.Raw); err != nil {
				return nil, fmt.Errorf("error parsing certificate %d: %w", i+1, err)
			}
		}
		v = certs
		if len(certs) == 1 {
			v = certs[0]
		}
	}
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

// jsonRequest is a certificate request with the names that certificates have.
type jsonRequest struct {
	Version            int              `json:"version"`
	Subject            map[string][]any `json:"subject"`
	SubjectDN          string           `json:"subject_dn"`
	SubjectKeyInfo     jsonKeyInfo      `json:"subject_key_info"`
	SubjectAltName     jsonNames        `json:"subject_alt_name"`
	SignatureAlgorithm jsonAlgorithm    `json:"signature_algorithm"`
	Signature          jsonSignature    `json:"signature"`
	FingerprintSHA256  string           `json:"fingerprint_sha256"`
	Raw                []byte           `json:"raw"`
}

type jsonAlgorithm struct {
	Name string `json:"name"`
}

type jsonKeyInfo struct {
	KeyAlgorithm      jsonAlgorithm `json:"key_algorithm"`
	FingerprintSHA256 string        `json:"fingerprint_sha256"`
}

type jsonNames struct {
	DNSNames       []string `json:"dns_names,omitempty"`
	EmailAddresses []string `json:"email_addresses,omitempty"`
	IPAddresses    []string `json:"ip_addresses,omitempty"`
	URIs           []string `json:"uniform_resource_identifiers,omitempty"`
}

type jsonSignature struct {
	Value []byte `json:"value"`
	Valid bool   `json:"valid"`
}

func newJSONRequest(csr *x509.CertificateRequest) *jsonRequest {
	r := &jsonRequest{
		Version:   csr.Version,
		Subject:   jsonName(csr.Subject),
		SubjectDN: csr.Subject.String(),
		SubjectKeyInfo: jsonKeyInfo{
			KeyAlgorithm:      jsonAlgorithm{csr.PublicKeyAlgorithm.String()},
			FingerprintSHA256: hexSHA256(csr.RawSubjectPublicKeyInfo),
		},
		SubjectAltName:     jsonNames{DNSNames: csr.DNSNames, EmailAddresses: csr.EmailAddresses},
		SignatureAlgorithm: jsonAlgorithm{csr.SignatureAlgorithm.String()},
		Signature:          jsonSignature{csr.Signature, csr.CheckSignature() == nil},
		FingerprintSHA256:  hexSHA256(csr.Raw),
		Raw:                csr.Raw,
	}
	for _, ip := range csr.IPAddresses {
		r.SubjectAltName.IPAddresses = append(r.SubjectAltName.IPAddresses, ip.String())
	}
	for _, uri := range csr.URIs {
		r.SubjectAltName.URIs = append(r.SubjectAltName.URIs, uri.String())
	}
	return r
}

// jsonName is a distinguished name by its attributes.
func jsonName(name pkix.Name) map[string][]any {
	attributes := make(map[string][]any)
	for _, attribute := range name.Names {
		key := attributeNames[attribute.Type.String()].long
		if key == "" {
			key = attribute.Type.String()
		}
		attributes[key] = append(attributes[key], attribute.Value)
	}
	return attributes
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
