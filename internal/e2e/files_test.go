//go:build unix

package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepca/internal/catest"
)

// A keyPair is a certificate in files, for programs that read such.
type keyPair struct {
	chain, leaf, issuers, key string // file names; chain is leaf and issuers
}

// writePair writes a certificate and its key into the directory.
func writePair(t *testing.T, dir, name string, crt *tls.Certificate) keyPair {
	t.Helper()
	var all []byte
	for _, der := range crt.Certificate {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: crt.Certificate[0]})
	der, err := x509.MarshalPKCS8PrivateKey(crt.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{
		chain:   writeFile(t, dir, name+".crt", all),
		leaf:    writeFile(t, dir, name+".leaf", leaf),
		issuers: writeFile(t, dir, name+".issuers", all[len(leaf):]),
		key:     writeFile(t, dir, name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
}

func writeFile(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// rootCRL returns an empty list of the root, in PEM.
func rootCRL(t *testing.T, ca *catest.CA) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(ca.Dir, "root_ca_key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Root, key.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
