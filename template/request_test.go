package template

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/ca"
)

func extension(t *testing.T, id string, value string) pkix.Extension {
	t.Helper()
	oid, err := ParseOID(id)
	if err != nil {
		t.Fatal(err)
	}
	der, err := EncodeValue("raw:" + value)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: oid, Value: der}
}

func TestCertificateRequestView(t *testing.T) {
	t.Parallel()
	csr := newCSR(t, newSigner(t), &x509.CertificateRequest{
		DNSNames: []string{"a.b"},
		ExtraExtensions: []pkix.Extension{
			extension(t, "2.5.29.15", "AwIFoA=="),                 // digitalSignature, keyEncipherment
			extension(t, "2.5.29.37", "MA8GCCsGAQUFBwMBBgMqAwQ="), // serverAuth, 1.2.3.4
			extension(t, "2.5.29.19", "MAMBAf8="),                 // CA
			extension(t, "1.2.3", "BQA="),
		},
	})
	cr := NewCertificateRequest(csr)
	if got := x509.KeyUsage(cr.KeyUsage); got != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment {
		t.Errorf("key usage = %b", got)
	}
	if diff := cmp.Diff(ExtKeyUsage{x509.ExtKeyUsageServerAuth}, cr.ExtKeyUsage); diff != "" {
		t.Error(diff)
	}
	if got := fmt.Sprint(cr.UnknownExtKeyUsage); got != "[1.2.3.4]" {
		t.Errorf("unknown extended key usage = %s", got)
	}
	if cr.BasicConstraints == nil || !cr.BasicConstraints.IsCA || cr.BasicConstraints.MaxPathLen != -1 {
		t.Errorf("basic constraints = %+v", cr.BasicConstraints)
	}
	if ext := findExtension(cr.Extensions, oidSubjectAltName); ext == nil || !ext.Critical {
		t.Error("the names of a request without subject are not critical")
	}
	if n := len(cr.Extensions); n != 5 {
		t.Errorf("%d extensions, want 5", n)
	}
	got, err := json.Marshal(&CertificateRequest{})
	want := `{"version":0,"subject":{},"rawSubject":null,"dnsNames":null,"emailAddresses":null,"ipAddresses":null,"uris":null,"sans":null,"extensions":null,"keyUsage":null,"extKeyUsage":[],"unknownExtKeyUsage":null,"basicConstraints":null,"signatureAlgorithm":""}`
	if err != nil || string(got) != want {
		t.Errorf("JSON = %s, %v, want %s", got, err, want)
	}
}

// Requested usages that are no usages are left out; the extension stays.
func TestUnparsableRequestedExtensions(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"2.5.29.15", "2.5.29.37", "2.5.29.19"} {
		cr := NewCertificateRequest(newCSR(t, newSigner(t), &x509.CertificateRequest{ExtraExtensions: []pkix.Extension{extension(t, id, "BQA=")}}))
		if cr.KeyUsage != 0 || cr.ExtKeyUsage != nil || cr.BasicConstraints != nil || len(cr.Extensions) != 1 {
			t.Errorf("%s: %+v", id, cr)
		}
	}
}

// The documented idiom copies a request, raw subject and names included.
func TestCopiedRequest(t *testing.T) {
	t.Parallel()
	csr := newCSR(t, newSigner(t), &x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: "x", Organization: []string{"A", "B"}},
		DNSNames:        []string{"a.b"},
		ExtraExtensions: []pkix.Extension{extension(t, "2.5.29.19", "MAMBAf8="), extension(t, "2.5.29.37", "MAoGCCsGAQUFBwMB")},
	})
	d := &X509Data{CR: NewCertificateRequest(csr)}
	cert := issue(t, renderText(t, TextX509Copy, d))
	if string(cert.RawSubject) != string(csr.RawSubject) {
		t.Errorf("subject = %x, want %x", cert.RawSubject, csr.RawSubject)
	}
	if !cert.IsCA || len(cert.ExtKeyUsage) != 1 {
		t.Errorf("CA %t, extended key usage %v", cert.IsCA, cert.ExtKeyUsage)
	}
	if diff := cmp.Diff([]string{"dns:a.b"}, identifiers(t, cert)); diff != "" {
		t.Error(diff)
	}
}

func TestCSR(t *testing.T) {
	t.Parallel()
	d := &X509Data{
		Subject: Name{CommonName: "x", Country: Strings{"DE"}},
		SANs:    NewSANs(ca.ParseSANs([]string{"a.b", "10.0.0.1", "urn:x", "j@x"})),
		CR:      &CertificateRequest{},
	}
	custom, err := ParseCSR(TextCSR)
	if err != nil {
		t.Fatal(err)
	}
	var forms []string
	for _, tmpl := range []*CSR{{}, custom} {
		csr := request(t, tmpl, d)
		forms = append(forms, fmt.Sprint(csr.Subject, csr.DNSNames, csr.EmailAddresses, csr.IPAddresses, csr.URIs, len(csr.Extensions)))
	}
	if want := "CN=x,C=DE [a.b] [j@x] [10.0.0.1] [urn:x] 1"; forms[0] != want || forms[1] != want {
		t.Errorf("requests = %q, want %q", forms, want)
	}
}

// request renders and signs a CSR.
func request(t *testing.T, tmpl *CSR, d *X509Data) *x509.CertificateRequest {
	t.Helper()
	cr, err := tmpl.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	template, err := cr.X509()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, newSigner(t))
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func TestCSRExtensions(t *testing.T) {
	t.Parallel()
	tmpl, err := ParseCSR(`{"subject": "x", "sans": [{"type": "registeredID", "value": "1.2.3"}],
		"keyUsage": ["digitalSignature", "decipherOnly"], "extKeyUsage": "clientAuth", "unknownExtKeyUsage": "1.2.3.4",
		"basicConstraints": {"isCA": true, "maxPathLen": 1}, "extensions": [{"id": "1.2.3", "value": "BQA="}]}`)
	if err != nil {
		t.Fatal(err)
	}
	csr := request(t, tmpl, &X509Data{CR: &CertificateRequest{}})
	var got []string
	for _, ext := range csr.Extensions {
		got = append(got, ext.Id.String()+"="+hexOf(ext.Value))
	}
	want := []string{
		"2.5.29.19=30060101ff020101",
		"2.5.29.37=300f06082b0601050507030206032a0304",
		"2.5.29.15=0303078080",
		"2.5.29.17=300488022a03",
		"1.2.3=0500",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	cr := NewCertificateRequest(csr)
	if x509.KeyUsage(cr.KeyUsage) != x509.KeyUsageDigitalSignature|x509.KeyUsageDecipherOnly || cr.BasicConstraints.MaxPathLen != 1 {
		t.Errorf("read back: key usage %b, basic constraints %+v", cr.KeyUsage, cr.BasicConstraints)
	}
	if _, err := ParseCertificateRequest([]byte(`{"keyUsage": 1}`)); err == nil || !strings.Contains(err.Error(), "error unmarshaling certificate") {
		t.Errorf("ParseCertificateRequest = %v", err)
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	values := map[string]any{"Token": map[string]any{"sub": "t"}, "Org": "O", "Insecure": map[string]any{"CR": "x"}}
	d := &X509Data{
		Subject:  Name{CommonName: "s"},
		SANs:     []SAN{{Type: "dns", Value: "a"}},
		Values:   values,
		Webhooks: map[string]any{"w": map[string]any{"role": "r"}},
		CR:       &CertificateRequest{Subject: Name{CommonName: "c"}},
		User:     json.RawMessage(`{"n": 1}`),
	}
	text := `{"subject": {"organization": [{{ toJson .Subject.CommonName }}, {{ toJson .Token.sub }}, {{ toJson .Org }}, {{ toJson .Webhooks.w.role }},
		{{ toJson .Insecure.CR.Subject.CommonName }}, "{{ .Insecure.User.n }}", "{{ .AuthorizationCrt }}", "{{ (index .SANs 0).Value }}"]}}`
	c := renderText(t, text, d)
	if diff := cmp.Diff(Strings{"s", "t", "O", "r", "c", "1", "<no value>", "a"}, c.Subject.Organization); diff != "" {
		t.Error(diff)
	}
	for user, want := range map[string]string{`[1]`: "map[]", `x`: "map[]", `null`: "map[]", ``: "<no value>"} {
		d.User = json.RawMessage(user)
		if got := renderText(t, `{"subject": "{{ .Insecure.User }}"}`, d).Subject.CommonName; got != want {
			t.Errorf(".Insecure.User of %q = %q, want %q", user, got, want)
		}
	}
}

func TestTemplateDataShadowsDefaults(t *testing.T) {
	t.Parallel()
	leaf, err := DefaultX509(ca.TemplateLeaf)
	if err != nil {
		t.Fatal(err)
	}
	c, err := leaf.Render(&X509Data{
		Subject: Name{CommonName: "verified"},
		SANs:    []SAN{{Type: "dns", Value: "a"}},
		Values:  map[string]any{"Subject": map[string]any{"commonName": "data"}},
		CR:      &CertificateRequest{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject.CommonName != "data" || len(c.SANs) != 1 {
		t.Errorf("subject %+v, names %+v", c.Subject, c.SANs)
	}
}

func TestFillFrom(t *testing.T) {
	t.Parallel()
	n := Name{CommonName: "x", Country: Strings{"DE"}}
	n.FillFrom(&Name{CommonName: "y", Country: Strings{"FR"}, Organization: Strings{"O"}, SerialNumber: "1", PostalCode: Strings{"9"}})
	want := Name{CommonName: "x", Country: Strings{"DE"}, Organization: Strings{"O"}, SerialNumber: "1"}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
}
