package acmeserver_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// hugeRSA is a request for a.example that is all key: a modulus of so many bits,
// and a signature by nobody.
func hugeRSA(t *testing.T, bits int) string {
	t.Helper()
	n := make([]byte, bits/8)
	if _, err := rand.Read(n); err != nil {
		t.Fatal(err)
	}
	n[0], n[len(n)-1] = n[0]|0x80, n[len(n)-1]|1
	spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 1<<31 - 1})
	if err != nil {
		t.Fatal(err)
	}
	attributes := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true}
	null := asn1.RawValue{Tag: asn1.TagNull}
	tbs, err := asn1.Marshal(struct {
		Version    int
		Subject    pkix.RDNSequence
		PublicKey  asn1.RawValue
		Attributes asn1.RawValue
	}{0, pkix.Name{CommonName: "a.example"}.ToRDNSequence(), asn1.RawValue{FullBytes: spki}, attributes})
	if err != nil {
		t.Fatal(err)
	}
	n[0] = 0 // a signature is less than the modulus
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, pkix.AlgorithmIdentifier{
		Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: null, // sha256WithRSAEncryption
	}, asn1.BitString{Bytes: n, BitLength: bits}})
	if err != nil {
		t.Fatal(err)
	}
	return b64(der)
}

func TestHostileCSRs(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	u, order := cl.order("a.example", "b.example")
	cl.prove(order)
	finalize := order["finalize"].(string)
	key := newKey(t)
	good := csr(t, key, "a.example", "b.example")
	der, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	of := func(tmpl x509.CertificateRequest) string {
		if tmpl.DNSNames == nil {
			tmpl.DNSNames = []string{"a.example", "b.example"}
		}
		return encodeCSR(t, key, &tmpl)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	otherName, err := asn1.Marshal([]asn1.RawValue{{Class: 2, Tag: 2, Bytes: []byte("a.example")}, {Class: 2, Tag: 2, Bytes: []byte("b.example")}, {Class: 2, Tag: 0, IsCompound: true, Bytes: []byte{6, 1, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ csr, typ string }{
		"a name more":             {csr(t, key, "a.example", "b.example", "c.example"), "badCSR"},
		"a name fewer":            {csr(t, key, "a.example"), "badCSR"},
		"no names":                {encodeCSR(t, key, &x509.CertificateRequest{}), "badCSR"},
		"a wildcard instead":      {csr(t, key, "a.example", "*.example"), "badCSR"},
		"a trailing dot":          {csr(t, key, "a.example", "b.example."), "badCSR"},
		"an address":              {of(x509.CertificateRequest{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}), "badCSR"},
		"an e-mail address":       {of(x509.CertificateRequest{EmailAddresses: []string{"a@a.example"}}), "badCSR"},
		"a URI":                   {of(x509.CertificateRequest{URIs: []*url.URL{{Scheme: "spiffe", Host: "a.example"}}}), "badCSR"},
		"an otherName":            {encodeCSR(t, key, &x509.CertificateRequest{ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: otherName}}}), "badCSR"},
		"another common name":     {of(x509.CertificateRequest{Subject: pkix.Name{CommonName: "c.example"}}), "badCSR"},
		"an address as CN":        {of(x509.CertificateRequest{Subject: pkix.Name{CommonName: "127.0.0.1"}}), "badCSR"},
		"text as CN":              {of(x509.CertificateRequest{Subject: pkix.Name{CommonName: "a.example\x00.evil.example"}}), "badCSR"},
		"the account's key":       {csr(t, cl.key, "a.example", "b.example"), "badCSR"},
		"P-224":                   {csr(t, p224, "a.example", "b.example"), "badCSR"},
		"RSA of 1024 bits":        {csr(t, small, "a.example", "b.example"), "badCSR"},
		"RSA of 200,000 bits":     {hugeRSA(t, 200_000), "badCSR"},
		"RSA of 16392 bits":       {hugeRSA(t, 16392), "badCSR"},
		"a wrong signature":       {b64(append(slices.Clone(der[:len(der)-1]), der[len(der)-1]^1)), "badCSR"},
		"a certificate":           {b64(c.Root.Raw), "badCSR"},
		"a public key":            {b64(c.Root.RawSubjectPublicKeyInfo), "badCSR"},
		"an octet after it":       {b64(append(slices.Clone(der), 0)), "badCSR"},
		"half of it":              {b64(der[:len(der)/2]), "badCSR"},
		"zeros":                   {b64(make([]byte, 5000)), "badCSR"},
		"nested sequences":        {b64(bytes.Repeat([]byte{0x30, 0x80}, 20000)), "badCSR"},
		"a length of gigabytes":   {b64([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}), "badCSR"},
		"nothing":                 {"", "badCSR"},
		"PEM":                     {"-----BEGIN CERTIFICATE REQUEST-----", "malformed"},
		"standard base64":         {base64.StdEncoding.EncodeToString(der) + "+/", "malformed"},
		"a line break":            {good[:10] + "\n" + good[10:], "malformed"},
		"a space":                 {good + " ", "malformed"},
		"thousands of names":      {csr(t, key, manyNames(1500)...), "badCSR"},
		"a name of 60,000 octets": {csr(t, key, strings.Repeat("a", 60000)), "badCSR"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := cl.in(t).post(finalize, map[string]any{"csr": tt.csr}).problem(400, tt.typ)
			if took := time.Since(start); took > 20*time.Second || len(r.body) > 3000 {
				t.Errorf("took %v, answered with %d bytes", took, len(r.body))
			}
		})
	}
	cl.post(finalize, map[string]any{"csr": strings.Repeat("A", 1<<20)}).problem(413, "malformed")
	if got := cl.post(u, nil).json(); got["status"] != "ready" {
		t.Errorf("order after refused requests: %v, want it ready", got)
	}
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strings.Repeat("x", 1+i%20) + ".example"
	}
	return names
}

// TestRequestedExtensionsAreNotIssued asks for a CA certificate with CRL points, a
// name, and every usage.
func TestRequestedExtensionsAreNotIssued(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	cl.prove(order)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	value := func(v any) []byte {
		data, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	request := encodeCSR(t, key, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "a.example", Organization: []string{"Evil"}, SerialNumber: "1"}, DNSNames: []string{"a.example"},
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: value(struct{ IsCA bool }{true})},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Value: value(asn1.BitString{Bytes: []byte{0xff}, BitLength: 8})},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: value([]asn1.ObjectIdentifier{{2, 5, 29, 37, 0}})},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: []byte{0x30, 0}},
			{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Value: []byte{0x30, 0}},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}},
			{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}},
		},
	})
	done := cl.post(order["finalize"].(string), map[string]any{"csr": request}).want(http.StatusOK).json()
	leaf := parseChain(t, cl.post(done["certificate"].(string), nil).want(http.StatusOK).body)[0]
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature || len(leaf.ExtKeyUsage) != 2 || len(leaf.UnknownExtKeyUsage) != 0 || len(leaf.UnhandledCriticalExtensions) != 0 ||
		len(leaf.CRLDistributionPoints) != 0 || leaf.Subject.String() != "CN=a.example" {
		t.Errorf("leaf: CA %v, usage %v %v, subject %v, critical %v", leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage, leaf.Subject, leaf.UnhandledCriticalExtensions)
	}
	for _, ext := range leaf.Extensions {
		if id := ext.Id.String(); id == "1.2.3.4" || id == "1.3.6.1.5.5.7.1.24" || id == "2.5.29.31" || id == "2.5.29.30" {
			t.Errorf("leaf has extension %s", id)
		}
	}
}
