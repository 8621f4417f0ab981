package template

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
)

// sanExtension returns the extension of an issued certificate.
func sanExtension(cert *x509.Certificate) (ext pkix.Extension, index int) {
	for i, e := range cert.Extensions {
		if e.Id.Equal(oidSubjectAltName) {
			return e, i
		}
	}
	return ext, -1
}

func identifiers(t testing.TB, cert *x509.Certificate) []string {
	t.Helper()
	names, err := GeneralNames(cert)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = name.Identifier().String()
	}
	return list
}

func TestSANs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"members and sans together, in the order of package x509",
			`{"dnsNames": "a", "uris": ["urn:a"], "sans": [{"type":"ip","value":"::1"},{"type":"dns","value":"a"},{"value":"b@c"},{"type":"auto","value":"x:y"}]}`,
			[]string{"dns:a", "dns:a", "email:b@c", "ip:::1", "uri:urn:a", "uri:x:y"}},
		{"members match without regard to case", `{"SANS": [{"TYPE":"dns","Value":"a"}]}`, []string{"dns:a"}},
		{"null is absent", `{"dnsNames": null, "sans": null, "ipAddresses": "10.0.0.1"}`, []string{"ip:10.0.0.1"}},
		{"empty entries are skipped", `{"sans": [{"type":"dns"},{"type":"dn"},{"type":"dns","value":"a"},{"type":"1.2.3","asn1Value":null}]}`, []string{"dns:a"}},
		{"extended order is that of the list",
			`{"ipAddresses": "10.0.0.1", "dnsNames": "*.X", "sans": [{"type":"registeredID","value":"1.2.3"},{"type":"dns","value":"bücher.B"}]}`,
			[]string{"dns:*.x", "ip:10.0.0.1", "other:registeredID 1.2.3", "dns:xn--bcher-kva.b"}},
		{"user principal name", `{"sans": [{"type":"userPrincipalName","value":"joe@x"}]}`, []string{"other:userPrincipalName joe@x"}},
		{"permanent identifier by value", `{"sans": [{"type":"permanentIdentifier","value":"d1"}]}`, []string{"permanent-identifier:d1"}},
		{"permanent identifier with assigner", `{"sans": [{"type":"permanentIdentifier","asn1Value":{"identifier":"d1","assigner":"1.2.3"}}]}`,
			[]string{"other:otherName 1.3.6.1.5.5.7.8.3 a00a30080c02643106022a03"}},
		{"hardware module name", `{"sans": [{"type":"hardwareModuleName","asn1Value":{"type":"1.2.3","serialNumber":"AQI="}}]}`,
			[]string{"other:otherName 1.3.6.1.5.5.7.8.4 a00a300806022a0304020102"}},
		{"hardware module name as text", `{"sans": [{"type":"hardwareModuleName","value":"{\"type\":\"1.2.3\",\"serialNumber\":\"AQI=\"}"}]}`,
			[]string{"other:otherName 1.3.6.1.5.5.7.8.4 a00a300806022a0304020102"}},
		{"directory name", `{"sans": [{"type":"dn","asn1Value":{"country":"DE","commonName":"x"}}]}`, []string{"other:directoryName CN=x,C=DE"}},
		{"directory name as text", `{"sans": [{"type":"dn","value":"\"x\""}]}`, []string{"other:directoryName CN=x"}},
		{"other name", `{"sans": [{"type":"1.2.3.4","value":"int:5"}]}`, []string{"other:otherName 1.2.3.4 a003020105"}},
		{"raw other name brings its tag", `{"sans": [{"type":"1.2.3.4","value":"raw:oAMCAQU="}]}`, []string{"other:otherName 1.2.3.4 a003020105"}},
		{"raw extension replaces all names", `{"dnsNames": "a", "sans": [{"type":"dns","value":"b"}], "extensions": [{"id":"2.5.29.17","value":"MAOCAWM="}]}`, []string{"dns:c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := renderText(t, tt.text, &X509Data{CR: &CertificateRequest{}})
			cert, err := c.X509()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, identifiers(t, cert)); diff != "" {
				t.Errorf("names to be issued: %s", diff)
			}
			if diff := cmp.Diff(tt.want, identifiers(t, issue(t, c))); diff != "" {
				t.Errorf("names issued: %s", diff)
			}
		})
	}
}

func TestSANErrors(t *testing.T) {
	t.Parallel()
	for san, want := range map[string]string{
		`{"type":"DNS","value":"a"}`:                                   "unsupported SAN type DNS",
		`{"type":"upn","value":"a"}`:                                   "unsupported SAN type upn",
		`{"type":"x400Address","value":"a"}`:                           "unimplemented SAN type x400Address",
		`{"type":"ediPartyName","value":"a"}`:                          "unimplemented SAN type ediPartyName",
		`{"type":"ip","value":"a"}`:                                    "not an IP address",
		`{"type":"uri","value":":"}`:                                   "missing protocol scheme",
		`{"type":"registeredID","value":"a"}`:                          "registeredID",
		`{"type":"dn","asn1Value":{}}`:                                 "no attribute",
		`{"type":"dn","asn1Value":5}`:                                  "asn1Value of a dn",
		`{"type":"permanentIdentifier","asn1Value":"x"}`:               "asn1Value of a permanentIdentifier",
		`{"type":"hardwareModuleName","value":"x"}`:                    "asn1Value of a hardwareModuleName",
		`{"type":"hardwareModuleName","asn1Value":{}}`:                 "no type",
		`{"type":"1.2.3","value":"int:x"}`:                             "SAN of type 1.2.3",
		`{"type":"1.2.3","value":"raw:"}`:                              "",
		`{"type":"dns","value":"a b"},{"type":"dn","value":"\"x\""}`:   `error converting "a b" to ia5`,
		`{"type":"email","value":"é@x"},{"type":"dn","value":"\"x\""}`: "outside ASCII",
	} {
		c, err := ParseCertificate([]byte(`{"sans": [` + san + `]}`))
		if err != nil {
			t.Errorf("%s: %v", san, err)
			continue
		}
		cert, err := c.X509()
		if err == nil {
			_, err = GeneralNames(cert) // a raw value may yet be no name
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want one with %q", san, err, want)
		}
	}
}

// The extension is critical exactly if the subject is empty, whoever writes it.
func TestSANCriticality(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"sans": [{"type":"dns","value":"a"}]}`:                                                    true,
		`{"subject": "x", "sans": [{"type":"dns","value":"a"}]}`:                                    false,
		`{"sans": [{"type":"registeredID","value":"1.2.3"}]}`:                                       true,
		`{"subject": {"organization": ""}, "sans": [{"type":"registeredID","value":"1.2.3"}]}`:      true,
		`{"subject": "x", "sans": [{"type":"registeredID","value":"1.2.3"}]}`:                       false,
		`{"rawSubject": "MAA=", "subject": "x", "sans": [{"type":"registeredID","value":"1.2.3"}]}`: true,
	} {
		ext, _ := sanExtension(issue(t, renderText(t, text, &X509Data{CR: &CertificateRequest{}})))
		if ext.Critical != want {
			t.Errorf("%s: critical = %t, want %t", text, ext.Critical, want)
		}
	}
}

// openssl reads every kind of name as it was meant.
func TestSANsWithOpenSSL(t *testing.T) {
	t.Parallel()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	cert := issue(t, renderText(t, `{"subject": {"commonName": "x", "organization": ["A", "B"], "extraNames": [{"type":"1.2.840.113549.1.9.1","value":"j@x"}]}, "dnsNames": "a.b", "sans": [
		{"type":"userPrincipalName","value":"joe@x"}, {"type":"permanentIdentifier","value":"d1"},
		{"type":"dn","asn1Value":{"commonName":"d"}}, {"type":"registeredID","value":"1.2.3"},
		{"type":"email","value":"m@x"}, {"type":"uri","value":"urn:u"}, {"type":"ip","value":"2001:db8::1"}]}`, &X509Data{CR: &CertificateRequest{}}))
	file := filepath.Join(t.TempDir(), "cert.der")
	if err := os.WriteFile(file, cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(openssl, "x509", "-inform", "DER", "-in", file, "-noout", "-text").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	// Versions differ in the spaces and separators of names.
	text := strings.NewReplacer(" = ", "=", "DirName:/", "DirName:").Replace(string(out))
	for _, want := range []string{
		"DNS:a.b", "UPN::joe@x", "Permanent Identifier", "DirName:CN=d", "Registered ID:1.2.3", "email:m@x",
		"URI:urn:u", "IP Address:2001:DB8:0:0:0:0:0:1", "O=A + O=B, CN=x, emailAddress=j@x",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("openssl does not show %q:\n%s", want, out)
		}
	}
}

func TestParseGeneralNamesRefuses(t *testing.T) {
	t.Parallel()
	for der, want := range map[string]string{
		"":                 "not a DER sequence",
		"3000":             "no name",
		"300382016100":     "not a DER sequence", // trailing data
		"3003020161":       "not that of a general name",
		"3003890161":       "not that of a general name",
		"3003a20161":       "not primitive",
		"3003820180":       "outside ASCII",
		"30038701ff":       "iPAddress has 1 octets",
		"3003a00161":       "otherName lacks",
		"3006a00406022a03": "otherName lacks",
		"3003840161":       "not constructed",
		"3004a4023005":     "distinguished name",
		"30028800":         "registeredID",
		"3080820161":       "not a DER sequence", // indefinite length
		"3003828101":       "not DER",
	} {
		raw, err := hex.DecodeString(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseGeneralNames(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseGeneralNames(%s) = %v, want an error with %q", der, err, want)
		}
	}
}

func TestTwoSANExtensionsAreRefused(t *testing.T) {
	t.Parallel()
	c := renderText(t, `{"extensions": [{"id":"2.5.29.17","value":"MAOCAWE="},{"id":"2.5.29.17","value":"MAOCAWI="}]}`, &X509Data{CR: &CertificateRequest{}})
	cert, err := c.X509()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := GeneralNames(cert); err == nil {
		t.Error("names of two extensions are taken for those of the first")
	}
}

func FuzzParseGeneralNames(f *testing.F) {
	for _, name := range []GeneralName{
		{Tag: TagDNSName, Value: []byte("a.b")},
		{Tag: TagIPAddress, Value: []byte{10, 0, 0, 1}},
		{Tag: TagRegisteredID, Value: []byte{0x2a, 0x03}},
		{Tag: TagOtherName, OID: oidUserPrincipalName, Value: []byte{0xa0, 3, 0x0c, 1, 'j'}},
		{Tag: TagOtherName, OID: oidPermanentIdentifier, Value: []byte{0xa0, 5, 0x30, 3, 0x0c, 1, 'd'}},
		{Tag: TagDirectoryName, Value: []byte{0x30, 0}},
	} {
		der, err := MarshalGeneralNames([]GeneralName{name})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		names, err := ParseGeneralNames(der)
		if err != nil {
			return
		}
		for _, name := range names {
			if id := name.Identifier(); id.Type == "" || id.Value == "" && len(name.Value) > 0 {
				t.Errorf("identifier of %+v is %+v", name, id)
			}
		}
		again, err := MarshalGeneralNames(names)
		if err != nil {
			t.Fatalf("cannot write %+v: %v", names, err)
		}
		back, err := ParseGeneralNames(again)
		if err != nil {
			t.Fatalf("cannot read back %x: %v", again, err)
		}
		if diff := cmp.Diff(names, back); diff != "" {
			t.Error(diff)
		}
		// What crypto/x509 reads of the four common kinds, we read the same.
		if _, err := asn1.Unmarshal(der, new(asn1.RawValue)); err != nil {
			t.Errorf("accepted what is not DER: %v", err)
		}
	})
}

func TestNewSANs(t *testing.T) {
	t.Parallel()
	got := NewSANs([]ca.Identifier{{Type: ca.DNS, Value: "a"}, {Type: ca.PermanentIdentifier, Value: "d"}})
	want := []SAN{{Type: "dns", Value: "a"}, {Type: "permanentIdentifier", Value: "d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
