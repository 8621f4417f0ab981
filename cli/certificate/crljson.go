package certificate

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"time"
)

// jsonCRL is a revocation list in the names that scripts know.
type jsonCRL struct {
	Version            int              `json:"version"`
	SignatureAlgorithm jsonCRLAlgorithm `json:"signature_algorithm"`
	Issuer             map[string][]any `json:"issuer"`
	ThisUpdate         time.Time        `json:"this_update"`
	NextUpdate         time.Time        `json:"next_update,omitzero"`
	Revoked            []jsonRevoked    `json:"revoked_certificates"`
	Extensions         []map[string]any `json:"extensions,omitempty"`
	Signature          jsonCRLSignature `json:"signature"`
	AuthorityKeyID     []byte           `json:"AuthorityKeyID"`
	Raw                []byte           `json:"Raw"`
}

type jsonCRLAlgorithm struct {
	Name string `json:"name"`
	OID  string `json:"oid"`
}

type jsonCRLSignature struct {
	Algorithm jsonCRLAlgorithm `json:"signature_algorithm"`
	Value     []byte           `json:"value"`
	Valid     bool             `json:"valid"`
	Reason    string           `json:"reason,omitempty"`
}

type jsonRevoked struct {
	SerialNumber   string           `json:"serial_number"` // decimal
	RevocationTime time.Time        `json:"revocation_time"`
	Extensions     []map[string]any `json:"extensions,omitempty"`
}

type jsonDistributionPoint struct {
	FullNames          []string `json:"full_names,omitempty"`
	OnlyUserCerts      bool     `json:"only_contains_user_certs,omitempty"`
	OnlyCACerts        bool     `json:"only_contains_ca_certs,omitempty"`
	OnlySomeReasons    string   `json:"only_some_reasons,omitempty"` // bits in hex
	Indirect           bool     `json:"indirect_crl,omitempty"`
	OnlyAttributeCerts bool     `json:"only_contains_attribute_certs,omitempty"`
}

func (j *judgedCRL) json() ([]byte, error) {
	algorithm := jsonCRLAlgorithm{j.SignatureAlgorithm.String(), signatureOID(j.Raw)}
	list := jsonCRL{
		Version:            crlVersion,
		SignatureAlgorithm: algorithm,
		Issuer:             jsonName(j.Issuer),
		ThisUpdate:         j.ThisUpdate.UTC(),
		NextUpdate:         j.NextUpdate.UTC(),
		Revoked:            make([]jsonRevoked, len(j.RevokedCertificateEntries)),
		Signature:          jsonCRLSignature{algorithm, j.RevocationList.Signature, j.valid(), j.reason},
		AuthorityKeyID:     j.AuthorityKeyId,
		Raw:                j.Raw,
	}
	for i := range j.RevokedCertificateEntries {
		list.Revoked[i] = newJSONRevoked(&j.RevokedCertificateEntries[i])
	}
	for _, ext := range j.Extensions {
		list.Extensions = append(list.Extensions, j.jsonExtension(ext))
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(list)
	return out.Bytes(), err
}

func newJSONRevoked(entry *x509.RevocationListEntry) jsonRevoked {
	revoked := jsonRevoked{SerialNumber: entry.SerialNumber.String(), RevocationTime: entry.RevocationTime.UTC()}
	for _, ext := range entry.Extensions {
		shown := unknownExtension(ext)
		if ext.Id.String() == oidReasonCode {
			shown = map[string]any{"crl_reason_code": reasonName(entry.ReasonCode)}
		}
		revoked.Extensions = append(revoked.Extensions, shown)
	}
	return revoked
}

// jsonExtension is an object with one member, named for the extension.
func (j *judgedCRL) jsonExtension(ext pkix.Extension) map[string]any {
	switch ext.Id.String() {
	case oidAuthorityKeyID:
		return map[string]any{"authority_key_id": hex.EncodeToString(j.AuthorityKeyId)}
	case oidCRLNumber:
		if j.Number != nil {
			return map[string]any{"crl_number": j.Number.String()}
		}
	case oidIssuingDistributionPoint:
		if idp, ok := parseIssuingDistributionPoint(ext.Value); ok {
			return map[string]any{"issuing_distribution_point": jsonDistributionPoint{
				FullNames: idp.urls(), OnlyUserCerts: idp.OnlyUserCerts, OnlyCACerts: idp.OnlyCACerts,
				OnlySomeReasons: hex.EncodeToString(idp.OnlySomeReasons.Bytes),
				Indirect:        idp.Indirect, OnlyAttributeCerts: idp.OnlyAttributeCerts,
			}}
		}
	}
	return unknownExtension(ext)
}

func unknownExtension(ext pkix.Extension) map[string]any {
	return map[string]any{"oid": ext.Id.String(), "critical": ext.Critical, "value": ext.Value}
}

// signatureOID is the OID of a list's signature algorithm; "" if there is none.
func signatureOID(der []byte) string {
	var list struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &list); err != nil {
		return ""
	}
	return list.Algorithm.Algorithm.String()
}
