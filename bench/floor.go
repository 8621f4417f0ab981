package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"time"
)

// floorsArgument makes this program print floors and end: they are measured in a
// process of the same kind as the server, on the same processor.
const floorsArgument = "floors"

// floors are the costs of the operations that requests cannot do without, with
// P-256 keys and the standard library.
type floors struct {
	Sign        time.Duration // an ECDSA signature
	Verify      time.Duration // verification of one: of a token, or of a CSR
	Certificate time.Duration // x509.CreateCertificate
}

// measureFloors runs the process that prints floors.
func measureFloors(ctx context.Context) (f floors, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	cmd := oneProcessor(ctx, self, floorsArgument)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("measuring floors: %w", err)
	}
	return f, json.Unmarshal(out, &f)
}

// mean is the floor of something that ran between two measurements.
func (f floors) mean(g floors) floors {
	return floors{(f.Sign + g.Sign) / 2, (f.Verify + g.Verify) / 2, (f.Certificate + g.Certificate) / 2}
}

// floorRounds is how often each operation is repeated.
const floorRounds = 3000

func printFloors(w io.Writer) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	issuer, err := certify(authorityTemplate("Floor"), authorityTemplate("Floor"), key.Public(), key)
	if err != nil {
		return err
	}
	leaf := leafTemplate("floor.example.com")
	digest := sha256.Sum256([]byte("floor"))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return err
	}
	var f floors
	for _, m := range []struct {
		result    *time.Duration
		operation func() error
	}{
		{&f.Sign, func() error {
			_, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			return err
		}},
		{&f.Verify, func() error {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], sig) {
				return fmt.Errorf("a good signature does not verify")
			}
			return nil
		}},
		{&f.Certificate, func() error {
			_, err := x509.CreateCertificate(rand.Reader, leaf, issuer, key.Public(), key)
			return err
		}},
	} {
		if *m.result, err = cost(m.operation); err != nil {
			return err
		}
	}
	return json.NewEncoder(w).Encode(f)
}

// cost is the processor time of an operation, repeated.
func cost(operation func() error) (time.Duration, error) {
	before, err := cpuTime("self")
	if err != nil {
		return 0, err
	}
	for range floorRounds {
		if err := operation(); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime("self")
	return (after - before) / floorRounds, err
}

// leafTemplate has what the default template writes.
func leafTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(randomBytes(15)),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    now, NotAfter: now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		SubjectKeyId: randomBytes(20),
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
