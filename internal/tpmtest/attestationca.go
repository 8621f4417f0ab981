package tpmtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
)

// An AttestationCA certifies attestation keys of TPMs that prove that they hold
// the endorsement key they show. It believes any endorsement key.
type AttestationCA struct {
	URL      string
	TLSRoot  string // PEM file, to trust the server at URL
	Root     *x509.Certificate
	RootFile string // PEM file with Root

	// Validity is that of certificates; zero means an hour. Issued counts them.
	// Both are for the test while no request is under way.
	Validity time.Duration
	Issued   int

	key crypto.Signer

	mu      sync.Mutex
	pending map[string]*x509.Certificate // templates with their keys, by secret
}

// NewAttestationCA runs an attestation CA until the test ends.
func NewAttestationCA(t testing.TB) *AttestationCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &AttestationCA{key: key, pending: make(map[string]*x509.Certificate)}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Attestation Root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err == nil {
		c.Root, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /attest", reply(c.attest))
	mux.HandleFunc("POST /secret", reply(c.secret))
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c.URL = server.URL
	dir := t.TempDir()
	write := func(name string, crt *x509.Certificate) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, keyfile.EncodeCertificates(crt), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	c.TLSRoot, c.RootFile = write("tls.crt", server.Certificate()), write("attestation.crt", c.Root)
	return c
}

// reply makes a handler of a function of two JSON messages.
func reply[Q, R any](f func(*Q) (*R, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request := new(Q)
		if err := json.NewDecoder(r.Body).Decode(request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		response, err := f(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(response)
	}
}

type attestRequest struct {
	TPMInfo struct {
		Manufacturer, Model, FirmwareVersion string
	} `json:"tpmInfo"`
	EK      []byte   `json:"ek"`
	EKCerts [][]byte `json:"ekCerts"`
	Params  struct {
		Public            []byte `json:"public"`
		CreateData        []byte `json:"createData"`
		CreateAttestation []byte `json:"createAttestation"`
		CreateSignature   []byte `json:"createSignature"`
	} `json:"params"`
}

type attestResponse struct {
	Credential []byte `json:"credential"`
	Secret     []byte `json:"secret"`
}

// attest checks how the attestation key was made, and encrypts a secret for it.
func (c *AttestationCA) attest(r *attestRequest) (*attestResponse, error) {
	ek, err := x509.ParsePKIXPublicKey(r.EK)
	if err != nil {
		return nil, err
	}
	for _, der := range r.EKCerts {
		crt, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		if key, ok := crt.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !key.Equal(ek) {
			return nil, errors.New("the certificate is for another endorsement key")
		}
	}
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](r.Params.Public)
	if err != nil {
		return nil, err
	}
	if a := area.ObjectAttributes; !a.Restricted || !a.SignEncrypt || a.Decrypt || !a.FixedTPM || !a.FixedParent || !a.SensitiveDataOrigin {
		return nil, errors.New("the key is not an attestation key")
	}
	name, err := tpm2.ObjectName(area)
	if err != nil {
		return nil, err
	}
	ak, err := tpm2.Pub(*area)
	if err != nil {
		return nil, err
	}
	if err := checkCreation(ak, name.Buffer, r.Params.CreateData, r.Params.CreateAttestation, r.Params.CreateSignature); err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	credential, encrypted, err := makeCredential(ek, name.Buffer, secret)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(r.EK)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[string(secret)] = akTemplate(ak, r.TPMInfo.Manufacturer, r.TPMInfo.Model, r.TPMInfo.FirmwareVersion, &url.URL{
		Scheme: "urn", Opaque: "ek:sha256:" + base64.StdEncoding.EncodeToString(sum[:]),
	})
	return &attestResponse{tpm2.Marshal(tpm2.TPM2BIDObject{Buffer: credential}), tpm2.Marshal(tpm2.TPM2BEncryptedSecret{Buffer: encrypted})}, nil
}

// checkCreation checks that a key has certified its own creation.
func checkCreation(ak crypto.PublicKey, name, data, attestation, signature []byte) error {
	info, err := tpm2.Unmarshal[tpm2.TPMSAttest](attestation)
	if err != nil {
		return err
	}
	creation, err := info.Attested.Creation()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	if !bytes.Equal(creation.ObjectName.Buffer, name) || !bytes.Equal(creation.CreationHash.Buffer, sum[:]) || info.Magic.Check() != nil {
		return errors.New("the statement is about another creation")
	}
	s, err := tpm2.Unmarshal[tpm2.TPMTSignature](signature)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(attestation)
	switch ak := ak.(type) {
	case *rsa.PublicKey:
		sig, err := s.Signature.RSASSA()
		if err != nil {
			return err
		}
		return rsa.VerifyPKCS1v15(ak, crypto.SHA256, digest[:], sig.Sig.Buffer)
	case *ecdsa.PublicKey:
		sig, err := s.Signature.ECDSA()
		if err != nil {
			return err
		}
		if ecdsa.Verify(ak, digest[:], new(big.Int).SetBytes(sig.SignatureR.Buffer), new(big.Int).SetBytes(sig.SignatureS.Buffer)) {
			return nil
		}
	}
	return errors.New("the signature does not verify")
}

// makeCredential does in software what TPM2_MakeCredential does.
func makeCredential(ek crypto.PublicKey, name, secret []byte) (credential, encrypted []byte, err error) {
	area := tpm2.RSAEKTemplate
	switch ek := ek.(type) {
	case *rsa.PublicKey:
		area.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: ek.N.Bytes()})
	case *ecdsa.PublicKey:
		area = tpm2.ECCEKTemplate
		point, err := ek.Bytes()
		if err != nil {
			return nil, nil, err
		}
		size := (len(point) - 1) / 2
		area.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: point[1 : 1+size]}, Y: tpm2.TPM2BECCParameter{Buffer: point[1+size:]},
		})
	default:
		return nil, nil, fmt.Errorf("an endorsement key of type %T", ek)
	}
	key, err := tpm2.ImportEncapsulationKey(&area)
	if err != nil {
		return nil, nil, err
	}
	return tpm2.CreateCredential(rand.Reader, key, name, secret)
}

type secretRequest struct {
	Secret []byte `json:"secret"`
}

type secretResponse struct {
	Chain [][]byte `json:"chain"`
}

// secret issues the certificate to whoever knows the secret.
func (c *AttestationCA) secret(r *secretRequest) (*secretResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	template, ok := c.pending[string(r.Secret)]
	if !ok {
		return nil, errors.New("the secret is not one")
	}
	delete(c.pending, string(r.Secret))
	if c.Validity > 0 {
		template.NotAfter = time.Now().Add(c.Validity)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.Root, template.PublicKey, c.key)
	if err != nil {
		return nil, err
	}
	c.Issued++
	return &secretResponse{[][]byte{der}}, nil
}

// akTemplate is the certificate of an attestation key: WebAuthn §8.3.1.
func akTemplate(ak crypto.PublicKey, manufacturer, model, version string, ek *url.URL) *x509.Certificate {
	attribute := func(last int, value string) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: asn1.ObjectIdentifier{2, 23, 133, 2, last}, Value: value}}
	}
	directory, err := asn1.Marshal(pkix.RDNSequence{attribute(1, "id:"+manufacturer), attribute(2, model), attribute(3, "id:"+version)})
	if err != nil {
		panic(err) // strings can be encoded
	}
	names, err := asn1.Marshal([]asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: directory},
		{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(ek.String())},
	})
	if err != nil {
		panic(err) // as above
	}
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), PublicKey: ak,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{2, 23, 133, 8, 3}},
		ExtraExtensions:    []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: names}},
	}
}
