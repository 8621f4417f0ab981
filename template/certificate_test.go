package template

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything is a template with all members.
const everything = `{
	"version": 3,
	"subject": {"country": "DE", "province": ["B"], "locality": "L", "streetAddress": "S", "postalCode": "1",
		"organization": ["A", "B"], "organizationalUnit": "U", "commonName": "x", "serialNumber": "7",
		"extraNames": [{"type": "1.2.840.113549.1.9.1", "value": "j@x"}, {"type": "2.5.4.12", "value": "Dr"}]},
	"issuer": "ignored",
	"serialNumber": "0x10",
	"dnsNames": "a.b",
	"notBefore": "2024-01-02T03:04:05Z", "notAfter": "2025-01-02T03:04:05+01:00",
	"extensions": [{"id": "1.2.3", "critical": true, "value": "BQA="}, {"id": "", "value": "BQA="}],
	"keyUsage": ["digital_signature", "CERTSIGN", "nonRepudiation"],
	"extKeyUsage": ["serverAuth", "OCSP_Signing", "microsoftKernelCodeSigning"],
	"unknownExtKeyUsage": "1.2.3.4",
	"subjectKeyId": "AQI=",
	"ocspServer": "http://ocsp", "issuingCertificateURL": ["http://ca"], "crlDistributionPoints": "http://crl",
	"policyIdentifiers": ["1.2.5", "2.23.140.1.2.1"],
	"basicConstraints": {"isCA": true, "maxPathLen": 2},
	"nameConstraints": {"critical": true, "permittedDNSDomains": "b", "excludedIPRanges": ["10.0.0.0/8"],
		"permittedEmailAddresses": "x", "excludedURIDomains": "y"},
	"signatureAlgorithm": "ecdsa-sha384",
	"unknown": 1
} trailing text`

func TestAllMembers(t *testing.T) {
	t.Parallel()
	cert := issue(t, renderText(t, everything, &X509Data{CR: &CertificateRequest{}}))
	check := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	check("subject", rdnString(t, cert.RawSubject),
		"2.5.4.6=DE,2.5.4.8=B,2.5.4.7=L,2.5.4.9=S,2.5.4.17=1,2.5.4.10=A+2.5.4.10=B,2.5.4.11=U,2.5.4.3=x,2.5.4.5=7,1.2.840.113549.1.9.1=j@x,2.5.4.12=Dr")
	check("serial number", cert.SerialNumber.Int64(), int64(16))
	check("key usage", cert.KeyUsage, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign|x509.KeyUsageContentCommitment)
	check("extended key usage", cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageOCSPSigning, x509.ExtKeyUsageMicrosoftKernelCodeSigning})
	check("unknown extended key usage", cert.UnknownExtKeyUsage, []asn1.ObjectIdentifier{{1, 2, 3, 4}})
	check("subject key ID", cert.SubjectKeyId, []byte{1, 2})
	check("policies", cert.PolicyIdentifiers, []asn1.ObjectIdentifier{{1, 2, 5}, {2, 23, 140, 1, 2, 1}})
	check("CA", []any{cert.IsCA, cert.MaxPathLen}, []any{true, 2})
	check("permitted", []any{cert.PermittedDNSDomainsCritical, cert.PermittedDNSDomains, cert.PermittedEmailAddresses, cert.ExcludedURIDomains},
		[]any{true, []string{"b"}, []string{"x"}, []string{"y"}})
	check("excluded range", cert.ExcludedIPRanges[0].String(), (&net.IPNet{IP: net.IP{10, 0, 0, 0}, Mask: net.CIDRMask(8, 32)}).String())
	check("signature algorithm", cert.SignatureAlgorithm, x509.ECDSAWithSHA384)

	var order []string
	for _, ext := range cert.Extensions {
		order = append(order, ext.Id.String())
	}
	check("order of extensions", strings.Join(order, " "), strings.Join([]string{
		"2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.14", "2.5.29.35", "1.3.6.1.5.5.7.1.1", "2.5.29.17", "2.5.29.32", "2.5.29.30", "2.5.29.31", "1.2.3",
	}, " "))

	c, err := ParseCertificate([]byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	check("not before", c.NotBefore.Unix(), int64(1704164645))
	check("not after", c.NotAfter.Unix(), int64(1735783445))
}

// The extension with names of other kinds stands behind all generated ones, and
// ahead of those of the template.
func TestExtendedSANPosition(t *testing.T) {
	t.Parallel()
	text := strings.Replace(everything, `"dnsNames": "a.b"`, `"sans": [{"type": "registeredID", "value": "1.2.3"}]`, 1)
	cert := issue(t, renderText(t, text, &X509Data{CR: &CertificateRequest{}}))
	_, at := sanExtension(cert)
	if n := len(cert.Extensions); at != n-2 || cert.Extensions[n-1].Id.String() != "1.2.3" {
		t.Errorf("the extension stands at %d of %d", at, n)
	}
}

// rdnString writes a name in the order of its encoding, types as numbers.
func rdnString(t *testing.T, der []byte) string {
	t.Helper()
	var rdns []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &rdns); err != nil {
		t.Fatal(err)
	}
	name := make([]string, len(rdns))
	for i, rdn := range rdns {
		for rest := rdn.Bytes; len(rest) > 0; {
			var atv struct {
				Type  asn1.ObjectIdentifier
				Value asn1.RawValue
			}
			var err error
			if rest, err = asn1.Unmarshal(rest, &atv); err != nil {
				t.Fatal(err)
			}
			if name[i] != "" {
				name[i] += "+"
			}
			name[i] += atv.Type.String() + "=" + string(atv.Value.Bytes)
		}
	}
	return strings.Join(name, ",")
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want, cns string }{
		{"string", `{"subject": "x"}`, "2.5.4.3=x", "x"},
		{"none", `{}`, "", ""},
		{"null", `{"subject": null}`, "", ""},
		{"empty attributes are left out", `{"subject": {"country": "", "organization": ["", "A", ""], "commonName": ""}}`, "2.5.4.10=A", ""},
		{"extra name replaces a standard one", `{"subject": {"commonName": "x", "extraNames": [{"type":"2.5.4.3","value":"y"},{"type":"2.5.4.3","value":"z"}]}}`, "2.5.4.3=y,2.5.4.3=z", "y z"},
		{"raw subject", `{"subject": "x", "rawSubject": "MBgxCTAHBgNVBAMMADELMAkGA1UEAwwCeXo="}`, "2.5.4.3=,2.5.4.3=yz", " yz"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := renderText(t, tt.text, &X509Data{CR: &CertificateRequest{}})
			tbs, err := c.X509()
			if err != nil {
				t.Fatal(err)
			}
			cert := issue(t, c)
			if got := rdnString(t, cert.RawSubject); got != tt.want {
				t.Errorf("subject = %s, want %s", got, tt.want)
			}
			for _, cert := range []*x509.Certificate{tbs, cert} {
				cns, err := CommonNames(cert)
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(cns, " "); got != tt.cns {
					t.Errorf("common names = %q, want %q", got, tt.cns)
				}
			}
			if tbs.Subject.CommonName != cert.Subject.CommonName {
				t.Errorf("common name %q is checked and %q issued", tbs.Subject.CommonName, cert.Subject.CommonName)
			}
		})
	}
}

func TestNameErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"subject": {"extraNames": [{"type":"1.2.3","value":5}]}}`:                    "not a string",
		`{"subject": {"extraNames": [{"value":"x"}]}}`:                                 "no type",
		`{"subject": {"extraNames": [{"type":"1.2.840.113549.1.9.1","value":"é@x"}]}}`: "outside ASCII",
		`{"rawSubject": "BQA="}`:                                                       "not a DER distinguished name",
		`{"rawSubject": "MAAA"}`:                                                       "trailing data",
	} {
		c, err := ParseCertificate([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.X509(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want one with %q", text, err, want)
		}
	}
}

func TestBasicConstraints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"isCA": true}`:                   "30060101ff020100", // an omitted length is zero
		`{"isCA": true, "maxPathLen": 0}`:  "30060101ff020100",
		`{"isCA": true, "maxPathLen": 3}`:  "30060101ff020103",
		`{"isCA": true, "maxPathLen": -1}`: "30030101ff",
		`{"isCA": false, "maxPathLen": 3}`: "3000",
		`{}`:                               "3000",
	} {
		cert := issue(t, renderText(t, `{"subject": "x", "basicConstraints": `+text+`}`, &X509Data{CR: &CertificateRequest{}}))
		for _, ext := range cert.Extensions {
			if ext.Id.Equal(oidBasicConstraints) {
				if got := hexOf(ext.Value); got != want || !ext.Critical {
					t.Errorf("%s: extension = %s, critical %t, want %s and critical", text, got, ext.Critical, want)
				}
			}
		}
	}
}

func TestSerialNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`5`: "5", `-5`: "-5", `"10"`: "10", `"0x10"`: "16", `"0b11"`: "3", `"0o17"`: "15", `"017"`: "15", `null`: "<nil>",
		`"0xffffffffffffffffffffffffffffffffffffffff"`: "1461501637330902918203684832716283019655932542975",
	} {
		var n SerialNumber
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := n.Int.String(); got != want {
			t.Errorf("%s = %s, want %s", text, got, want)
		}
	}
}

// The JSON form is what webhooks are sent.
func TestCertificateJSON(t *testing.T) {
	t.Parallel()
	c := renderText(t, `{"subject":{"organizationalUnit":"eng","commonName":"foo.local"},"sans":[{"type":"dns","value":"foo.local"}]}`, &X509Data{CR: &CertificateRequest{}})
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":0,"subject":{"organizationalUnit":["eng"],"commonName":"foo.local"},"rawSubject":null,"issuer":{},"serialNumber":null,"dnsNames":null,"emailAddresses":null,"ipAddresses":null,"uris":null,"sans":[{"type":"dns","value":"foo.local"}],"extensions":null,"keyUsage":null,"extKeyUsage":[],"unknownExtKeyUsage":null,"subjectKeyId":null,"authorityKeyId":null,"ocspServer":null,"issuingCertificateURL":null,"crlDistributionPoints":null,"policyIdentifiers":null,"basicConstraints":null,"nameConstraints":null,"signatureAlgorithm":""}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseCertificate(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"sans":[{"type":"dn","asn1Value":{"commonName":"x"}},{"type":"1.2.3","value":"raw:BQA="},{"value":"a@b"}]}`))
	f.Add([]byte(`{"sans":[{"type":"hardwareModuleName","value":"{}"},{"type":"permanentIdentifier","asn1Value":{"assigner":"1.2"}}],"rawSubject":"MAA="}`))
	f.Fuzz(func(t *testing.T, output []byte) {
		c, err := ParseCertificate(output)
		if err != nil {
			return
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		again, err := ParseCertificate(text)
		if err != nil {
			t.Fatalf("cannot read back %s: %v", text, err)
		}
		if back, err := json.Marshal(again); err != nil || string(back) != string(text) {
			t.Errorf("%s\nreads back as\n%s (%v)", text, back, err)
		}
		cert, err := c.X509()
		if err != nil {
			return
		}
		if _, err := CommonNames(cert); err != nil {
			t.Errorf("common names: %v", err)
		}
		if _, err := GeneralNames(cert); err != nil {
			return
		}
	})
}
