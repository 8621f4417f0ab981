package va

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-tpm/tpm2"
)

var update = flag.Bool("update", false, "record testdata/tpm with swtpm")

// A recording is what a TPM (swtpm 0.7.1) said for testKeyAuth. AK certificates
// are made when it is replayed, so that it does not expire.
type recording struct {
	AK        []byte `json:"ak"` // SubjectPublicKeyInfo
	Alg       int64  `json:"alg"`
	CertInfo  []byte `json:"certInfo"`
	Signature []byte `json:"sig"`
	PubArea   []byte `json:"pubArea"`
}

func recordingFile(name string) string { return filepath.Join("testdata", "tpm", name+".json") }

func loadRecording(t testing.TB, name string) *recording {
	t.Helper()
	data, err := os.ReadFile(recordingFile(name))
	if err != nil {
		t.Fatal(err)
	}
	r := new(recording)
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// statement is the attestation statement, with an AK certificate.
func (r *recording) statement(ak *x509.Certificate) map[string]any {
	return map[string]any{"ver": "2.0", "x5c": []any{ak.Raw}, "alg": r.Alg, "sig": r.Signature, "certInfo": r.CertInfo, "pubArea": r.PubArea}
}

// certificate is one for the AK.
func (r *recording) certificate(v *vendor, extensions []pkix.Extension) *x509.Certificate {
	v.t.Helper()
	key, err := x509.ParsePKIXPublicKey(r.AK)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.ak(key, extensions, pkix.Name{})
}

// clients are the recordings of a client that does everything right.
var clients = []string{"rsa-ak-p256-key", "p256-ak-rsa-key", "p256-ak-p384-key"}

func TestRealTPM(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	for _, name := range clients {
		r := loadRecording(t, name)
		area, err := tpm2.Unmarshal[tpm2.TPMTPublic](r.PubArea)
		if err != nil {
			t.Fatal(err)
		}
		key, err := tpm2.Pub(*area)
		if err != nil {
			t.Fatal(err)
		}
		v.attest("laptop-17", "tpm", r.statement(r.certificate(v, akExtensions(t, "laptop-17"))), key, "", "")
		v.attest("anything", "tpm", r.statement(r.certificate(v, akExtensions(t, ""))), key, "", "")
	}
}

// TestRealTPMBareSignature has the signatures without what a TPM puts around them.
func TestRealTPMBareSignature(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	for _, name := range clients {
		r := loadRecording(t, name)
		signature, err := tpm2.Unmarshal[tpm2.TPMTSignature](r.Signature)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := signature.Signature.RSASSA(); err == nil {
			r.Signature = s.Sig.Buffer
		} else if s, err := signature.Signature.ECDSA(); err == nil {
			number := func(p tpm2.TPM2BECCParameter) *big.Int { return new(big.Int).SetBytes(p.Buffer) }
			if r.Signature, err = asn1.Marshal([]*big.Int{number(s.SignatureR), number(s.SignatureS)}); err != nil {
				t.Fatal(err)
			}
		}
		ak := r.certificate(v, akExtensions(t, "laptop-17"))
		area, err := unmarshalTPM[tpm2.TPMTPublic](r.PubArea)
		if err != nil {
			t.Fatal(err)
		}
		key, err := tpm2.Pub(*area)
		if err != nil {
			t.Fatal(err)
		}
		v.attest("laptop-17", "tpm", r.statement(ak), key, "", "")
		r.Signature[len(r.Signature)-1] ^= 1
		v.attest("laptop-17", "tpm", r.statement(ak), nil, badStatement, "invalid sig in attestation statement")
	}
}

// TestRealTPMAltered takes true statements and changes one thing.
func TestRealTPMAltered(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	nonce := digest(crypto.SHA256, []byte(testKeyAuth))
	others := map[string]*recording{}
	for _, name := range clients {
		others[name] = loadRecording(t, name)
	}
	for i, name := range clients {
		other := others[clients[(i+1)%len(clients)]]
		for _, change := range []struct {
			what   string
			change func(r *recording)
			text   string
		}{
			{"nonce", func(r *recording) { r.CertInfo[bytes.Index(r.CertInfo, nonce)] ^= 1 }, "could not verify attestation"},
			{"magic", func(r *recording) { r.CertInfo[0] ^= 1 }, "invalid certification parameters: certInfo is not a TPM's certification"},
			{"type", func(r *recording) { r.CertInfo[5] = 0x18 }, "invalid certification parameters: certInfo is not a TPM's certification"},
			{"signature", func(r *recording) { r.Signature[len(r.Signature)-1] ^= 1 }, "could not verify attestation"},
			{"attributes", func(r *recording) { r.PubArea[7] ^= 2 }, "certification refers to a different key"},
			{"key", func(r *recording) { r.PubArea = other.PubArea }, "certification refers to a different key"},
			{"attestation key", func(r *recording) { r.AK = other.AK }, "could not verify attestation"},
			{"hash", func(r *recording) { r.Alg = -36 }, "could not verify attestation"},
			{"length of pubArea", func(r *recording) { r.PubArea = append(r.PubArea, 0) }, "invalid pubArea"},
			{"length of certInfo", func(r *recording) { r.CertInfo = r.CertInfo[:len(r.CertInfo)-1] }, "invalid certInfo"},
			{"length of sig", func(r *recording) { r.Signature = r.Signature[:len(r.Signature)-1] }, "invalid sig"},
		} {
			r := loadRecording(t, name)
			change.change(r)
			t.Run(name+" with another "+change.what, func(t *testing.T) {
				v := &vendor{t, v.key, v.root}
				v.attest("laptop-17", "tpm", r.statement(r.certificate(v, akExtensions(t, "laptop-17"))), nil, badStatement, change.text)
			})
		}
	}
}

// TestRealTPMReplayed answers another challenge with a statement.
func TestRealTPMReplayed(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	r := loadRecording(t, clients[0])
	req := v.validation("laptop-17", answer(t, "tpm", r.statement(r.certificate(v, akExtensions(t, "laptop-17")))))
	req.KeyAuthorization = "another" + req.KeyAuthorization
	_, err := New(Config{}).Validate(t.Context(), req)
	wantProblem(t, err, badStatement, false, "key authorization invalid")
}

// TestRealTPMOddities has statements that a TPM makes of its own accord, with a
// true signature and nonce, but not of a key as it should be.
func TestRealTPMOddities(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	for name, text := range map[string]string{
		"restricted":    "provided key is restricted",
		"exportable":    "provided key is exportable",
		"not-signing":   "provided key does not sign",
		"named-by-sha1": "provided key is named with algorithm 0x4",
		"quote":         "certInfo is not a TPM's certification of a key",
		"creation":      "certInfo is not a TPM's certification of a key",
	} {
		r := loadRecording(t, name)
		v.attest("laptop-17", "tpm", r.statement(r.certificate(v, akExtensions(t, "laptop-17"))), nil, badStatement, text)
	}
}

// TestAKCertificate replays a true statement with certificates of its attestation
// key that are not as WebAuthn §8.3.1 wants them.
func TestAKCertificate(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	r := loadRecording(t, clients[0])
	key, err := x509.ParsePKIXPublicKey(r.AK)
	if err != nil {
		t.Fatal(err)
	}
	const san, eku = 0, 1
	usage := func(oids ...asn1.ObjectIdentifier) pkix.Extension {
		return extension(t, asn1.ObjectIdentifier{2, 5, 29, 37}, oids)
	}
	constraints := extension(t, asn1.ObjectIdentifier{2, 5, 29, 19}, struct{ CA bool }{true})
	clientAuth := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	for name, c := range map[string]struct {
		change  func(ext []pkix.Extension) []pkix.Extension
		subject pkix.Name
		text    string // "" if it is good
	}{
		"as it should be": {},
		"another usage after": {change: func(ext []pkix.Extension) []pkix.Extension {
			ext[eku] = usage(oidAIKCertificate, clientAuth)
			return ext
		}},
		"an alternative not critical": {change: func(ext []pkix.Extension) []pkix.Extension { ext[san].Critical = false; return ext }},
		"a subject":                   {subject: pkix.Name{Organization: []string{"x"}}, text: `AK certificate subject must be empty; got "O=x"`},
		"no usage":                    {change: func(ext []pkix.Extension) []pkix.Extension { return ext[:eku] }, text: "missing Extended Key Usage extension"},
		"a known usage only":          {change: func(ext []pkix.Extension) []pkix.Extension { ext[eku] = usage(clientAuth); return ext }, text: "tcg-kp-AIKCertificate"},
		"another unknown usage first": {change: func(ext []pkix.Extension) []pkix.Extension {
			ext[eku] = usage(asn1.ObjectIdentifier{1, 2, 3}, oidAIKCertificate)
			return ext
		}, text: "tcg-kp-AIKCertificate"},
		"a CA":                {change: func(ext []pkix.Extension) []pkix.Extension { return append(ext, constraints) }, text: "must not be a CA"},
		"no alternative name": {change: func(ext []pkix.Extension) []pkix.Extension { return ext[eku:] }, text: "missing TPM manufacturer"},
		"another critical extension": {change: func(ext []pkix.Extension) []pkix.Extension {
			return append(ext, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true})
		}, text: "unhandled critical extension"},
		"a manufacturer missing": {change: without(t, oidTPMManufacturer), text: "missing TPM manufacturer"},
		"a model missing":        {change: without(t, oidTPMModel), text: "missing TPM model"},
		"a version missing":      {change: without(t, oidTPMVersion), text: "missing TPM version"},
	} {
		t.Run(name, func(t *testing.T) {
			ext := akExtensions(t, "laptop-17")
			if c.change != nil {
				ext = c.change(ext)
			}
			problem := badStatement
			if c.text == "" {
				problem = ""
			}
			v := &vendor{t, v.key, v.root}
			area, err := tpm2.Unmarshal[tpm2.TPMTPublic](r.PubArea)
			if err != nil {
				t.Fatal(err)
			}
			attested, err := tpm2.Pub(*area)
			if err != nil {
				t.Fatal(err)
			}
			v.attest("laptop-17", "tpm", r.statement(v.ak(key, ext, c.subject)), attested, problem, c.text)
		})
	}
	foreign := newVendor(t)
	v.attest("laptop-17", "tpm", r.statement(foreign.ak(key, akExtensions(t, "laptop-17"), pkix.Name{})), nil, badStatement, "x5c is not valid")
	for id, text := range map[string]string{"laptop-18": "does not match", "LAPTOP-17": "does not match", "laptop-17 ": "does not match"} {
		v.attest(id, "tpm", r.statement(r.certificate(v, akExtensions(t, "laptop-17"))), nil, badStatement, text)
	}
}

// without removes an attribute of the TPM from a subject alternative name.
func without(t *testing.T, oid asn1.ObjectIdentifier) func([]pkix.Extension) []pkix.Extension {
	return func(ext []pkix.Extension) []pkix.Extension {
		der, err := asn1.Marshal(oid)
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.Index(ext[0].Value, der)
		if i < 0 {
			t.Fatalf("%v is not there", oid)
		}
		ext[0].Value = slices.Clone(ext[0].Value)
		ext[0].Value[i+len(der)-1] = 99 // another attribute
		return ext
	}
}
