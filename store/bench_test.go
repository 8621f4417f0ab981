package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"stepca/ca"
	"stepca/kv/pebble"
	"stepca/store"
)

// leaves returns distinct certificates as the CA issues them.
func leaves(b *testing.B, n int) []*store.Certificate {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	out := make([]*store.Certificate, n)
	for i := range out {
		name := fmt.Sprintf("host-%06d.example.com", i)
		tmpl := &x509.Certificate{
			SerialNumber:    ca.NewSerialNumber(),
			Subject:         pkix.Name{CommonName: name},
			DNSNames:        []string{name},
			NotBefore:       time.Now(),
			NotAfter:        time.Now().Add(24 * time.Hour),
			KeyUsage:        x509.KeyUsageDigitalSignature,
			ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			SubjectKeyId:    make([]byte, 20),
			ExtraExtensions: []pkix.Extension{{Id: ca.OIDProvisioner, Value: make([]byte, 60)}},
		}
		rand.Read(tmpl.SubjectKeyId)
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			b.Fatal(err)
		}
		keyHash := sha256.Sum256(der)
		out[i] = &store.Certificate{
			Serial:      tmpl.SerialNumber.String(),
			Issuer:      "default",
			Provisioner: ca.ProvisionerRef{ID: "admin:utLu3fQpcBmwhv2PmGjFpJTt9m1SxpRHdKMa39vCwIw", Name: "admin", Type: "JWK"},
			Operation:   ca.SignX509,
			NotBefore:   tmpl.NotBefore.UTC().Truncate(time.Second),
			NotAfter:    tmpl.NotAfter.UTC().Truncate(time.Second),
			Names:       []ca.Identifier{{Type: ca.DNS, Value: name}},
			KeyHash:     keyHash[:],
			RequestID:   "5fd35ed6-3fb5-4b4d-8b2c-0ecb7d9c3b4e",
			DER:         der,
		}
	}
	return out
}

// BenchmarkRecord measures Record on the default engine and the disk that a
// certificate takes with its indexes and its spent token.
func BenchmarkRecord(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "db")
	engine, err := pebble.Open(b.Context(), pebble.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	s := store.New(engine, store.Options{})
	certs := leaves(b, 1000)
	work := make(chan *store.Issuance, 100)
	go func() {
		defer close(work)
		for i := range b.N {
			c := *certs[i%len(certs)]
			c.Serial = ca.NewSerialNumber().String()
			work <- &store.Issuance{Certificate: &c, OneTime: &ca.OneTimeID{ID: c.Serial, Expires: time.Now().Add(time.Hour)}}
		}
	}()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Record(b.Context(), <-work); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	if err := engine.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(diskUse(b, dir))/float64(b.N), "disk-B/op")
	b.ReportMetric(float64(len(certs[0].DER)), "DER-B")
}

func diskUse(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}
