package tpm

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
	"stepca/kms"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]keyName{
		"tpmkms:web":                                {role: signing, name: "web"},
		"web":                                       {role: signing, name: "web"},
		"TPMKMS:name=web":                           {role: signing, name: "web"},
		"tpmkms:name=a%2eb;device=/dev/tpm0":        {role: signing, name: "a.b"},
		"tpmkms:name=web;attest-by=ak1":             {role: signing, name: "web", ak: "ak1"},
		"tpmkms:name=ak;ak=true":                    {role: attestation, name: "ak"},
		"tpmkms:name=ak?ak=TRUE&attestation-ca-url": {role: attestation, name: "ak"},
		"tpmkms:name=x;ak=false":                    {role: signing, name: "x"},
	} {
		if got, err := parseName(uri); err != nil || got != want {
			t.Errorf("parseName(%q) = %+v, %v, want %+v", uri, got, err, want)
		}
	}
	for uri, want := range map[string]string{
		"":                              "scheme is missing",
		"softkms:web":                   "scheme not expected",
		"tpmkms:":                       "name is missing",
		"tpmkms:device=/dev/tpm0":       "name is missing",
		"tpmkms:name=../web":            "a name has at most 128",
		"tpmkms:name=a%2fb":             "a name has at most 128",
		"tpmkms:name=.hidden":           "a name has at most 128",
		"tpmkms:name=w;attest-by=a%2fb": "a name has at most 128",
		"tpmkms:name=" + strings.Repeat("a", 129): "a name has at most 128",
		"tpmkms:name=x;ak=true;attest-by=ak":      `"ak" and "attest-by" are mutually exclusive`,
		"tpmkms:path=key.pem;tss2=true":           "attribute tss2 is not supported",
		"tpmkms:name=x;qualifying-data=00":        "attribute qualifying-data is not supported",
	} {
		if _, err := parseName(uri); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseName(%q): %v, want %s", uri, err, want)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"tpmkms:attestation-ca-url=http://ca.example":                         "attestation-ca-url is an https URL",
		"tpmkms:attestation-ca-url=ca.example":                                "attestation-ca-url is an https URL",
		"tpmkms:attestation-ca-url=https://ca.example;renewal-percentage=0":   "a number from 1 to 100",
		"tpmkms:attestation-ca-url=https://ca.example;renewal-percentage=101": "a number from 1 to 100",
		"tpmkms:attestation-ca-url=https://ca.example;renewal-percentage=x":   "a number from 1 to 100",
		"tpmkms:enable-cng=true":                                              "attribute enable-cng is not supported",
	} {
		if _, err := Open(t.Context(), kms.Config{URI: uri}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): %v, want %s", uri, err, want)
		}
	}
	dir := t.TempDir()
	for uri, want := range map[string]string{"": dir, "tpmkms:storage-directory=/keys": "/keys"} {
		e, err := Open(t.Context(), kms.Config{URI: uri, StorageDirectory: dir})
		if err != nil || e.(*Engine).store.dir != want {
			t.Errorf("Open(%q): keys in %v, %v, want %s", uri, e, err, want)
		}
	}
}

// TestNoDevice has no TPM at the places that are named.
func TestNoDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, device := range []string{dir + "/none", "unix:" + dir + "/none", "tcp:127.0.0.1:1", dir} {
		e, err := Open(t.Context(), kms.Config{URI: "tpmkms:device=" + device, StorageDirectory: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.(*Engine).CreateKey(t.Context(), "tpmkms:x", keyfile.KeySpec{}); err == nil || !strings.Contains(err.Error(), "opening the TPM") {
			t.Errorf("CreateKey with device %s: %v", device, err)
		}
	}
	for _, spec := range []keyfile.KeySpec{{Type: keyfile.OKP}, {Type: keyfile.RSA, Size: 1024}, {Type: keyfile.EC, Curve: "P-224"}} {
		if _, err := newTemplate(signing, spec); !errors.Is(err, kms.ErrUnsupported) {
			t.Errorf("a key like %+v: %v, want ErrUnsupported", spec, err)
		}
	}
}

// testRecord is the file of a key that no TPM made.
func testRecord(t testing.TB) (*record, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	template, err := newTemplate(attestation, keyfile.KeySpec{Type: keyfile.EC})
	if err != nil {
		t.Fatal(err)
	}
	template.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
		X: tpm2.TPM2BECCParameter{Buffer: point[1:33]}, Y: tpm2.TPM2BECCParameter{Buffer: point[33:]},
	})
	return &record{
		Version: recordVersion, Role: attestation, Name: "ak", Created: time.Unix(0, 0).UTC(), Parent: []byte{1}, Private: []byte{2},
		Public: tpm2.Marshal(template), Creation: &creationRecord{[]byte{3}, []byte{4}, []byte{5}},
	}, key
}

func FuzzRecord(f *testing.F) {
	r, _ := testRecord(f)
	data, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"role":"key","public":"AAE=","private":"","parent":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseRecord(written); err != nil || !bytes.Equal(again.Public, r.Public) {
			t.Errorf("a record that was written again: %v", err)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte{0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0, 1, 2})
	f.Add([]byte{0x80, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		response, err := readResponse(bytes.NewReader(data))
		if err == nil && !bytes.HasPrefix(data, response) {
			t.Error("the response is not what was read")
		}
	})
}

func FuzzEKCertificate(f *testing.F) {
	f.Add([]byte{0x30, 3, 2, 1, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		crt, err := withoutPadding(data)
		switch {
		case err != nil || crt == nil:
		case !bytes.HasPrefix(data, crt) && !(bytes.HasPrefix(data, storedCertificate) && bytes.HasPrefix(data[5:], crt)):
			t.Error("the certificate is not what was read")
		}
	})
}

func TestWithoutPadding(t *testing.T) {
	t.Parallel()
	crt := []byte{0x30, 0x03, 0x02, 0x01, 0x05}
	for name, tt := range map[string]struct {
		data, want []byte
		fails      bool
	}{
		"plain":                     {data: crt, want: crt},
		"padded with zeros":         {data: append(bytes.Clone(crt), 0, 0, 0), want: crt},
		"padded with ones":          {data: append(bytes.Clone(crt), 0xff, 0xff), want: crt},
		"with a header":             {data: append([]byte{0x10, 0x01, 0x00, 0x00, 0x05}, crt...), want: crt},
		"with a header and padding": {data: append(append([]byte{0x10, 0x01, 0x00, 0x00, 0x05}, crt...), 0xff, 0xff), want: crt},
		"never written":             {data: bytes.Repeat([]byte{0xff}, 16)},
		"erased":                    {data: make([]byte, 16)},
		"empty":                     {},
		"longer than it is":         {data: []byte{0x10, 0x01, 0x00, 0xff, 0xff, 0x30}, fails: true},
		"a header alone":            {data: []byte{0x10, 0x01, 0x00, 0x00, 0x00}, fails: true},
		"a header cut off":          {data: []byte{0x10, 0x01, 0x00, 0x01}, fails: true},
		"no SEQUENCE":               {data: []byte{0x02, 0x01, 0x05}, fails: true},
		"cut off":                   {data: crt[:4], fails: true},
	} {
		got, err := withoutPadding(tt.data)
		if !bytes.Equal(got, tt.want) || (got == nil) != (tt.want == nil) || (err != nil) != tt.fails {
			t.Errorf("%s: %x, %v; want %x", name, got, err, tt.want)
		}
	}
}

// TestVerifyChain refuses what a careless or hostile attestation CA answers.
func TestVerifyChain(t *testing.T) {
	t.Parallel()
	r, key := testRecord(t)
	issue := func(public *ecdsa.PublicKey, uris ...string) []byte {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		for _, s := range uris {
			u, err := url.Parse(s)
			if err != nil {
				t.Fatal(err)
			}
			template.URIs = append(template.URIs, u)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ek := []byte("the endorsement key")
	for name, c := range map[string]struct {
		chain [][]byte
		want  string // "" if it is good
	}{
		"the key only":            {[][]byte{issue(&key.PublicKey)}, ""},
		"the endorsement key":     {[][]byte{issue(&key.PublicKey, ekURI(ek), "https://x.example")}, ""},
		"another endorsement key": {[][]byte{issue(&key.PublicKey, ekURI([]byte("other")))}, "but the endorsement key of this TPM is urn:ek:sha256:"},
		"another key":             {[][]byte{issue(&other.PublicKey)}, "is not for attestation key"},
		"nothing":                 {nil, "without a certificate"},
		"rubbish":                 {[][]byte{{1}}, "x509: malformed"},
	} {
		_, err := (&secretResponse{c.chain}).verify(r, ek)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("a chain with %s: %v, want %q", name, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, {0}, {0, 2, 1}, {0, 1, 1, 1}} {
		if _, err := unsized(b); err == nil {
			t.Errorf("unsized(%x) succeeded", b)
		}
	}
}

// TestPost asks servers that do not answer as they should.
func TestPost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   string
	}{
		"refuses":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "unknown TPM", http.StatusForbidden) }, `403 Forbidden: "unknown TPM"`},
		"redirects": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, "does not redirect"},
		"babbles": {func(w http.ResponseWriter, _ *http.Request) {
			w.Write(bytes.Repeat([]byte(" "), maxAttestationAnswer+1))
		}, "something else than it should"},
		"has HTML": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			w.Write([]byte("<p>"))
		}, "answered 502 Bad Gateway"},
	} {
		server := httptest.NewTLSServer(c.handle)
		t.Cleanup(server.Close)
		ca := &attestationCA{base: server.URL, insecure: true}
		client, err := ca.client()
		if err != nil {
			t.Fatal(err)
		}
		if err := ca.post(t.Context(), client, "/attest", &attestRequest{}, &attestResponse{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a server that %s: %v, want %s", name, err, c.want)
		}
	}
	// A server that nobody vouches for is not asked.
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	ca := &attestationCA{base: server.URL}
	client, err := ca.client()
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.post(t.Context(), client, "/attest", &attestRequest{}, &attestResponse{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown server: %v", err)
	}
}
