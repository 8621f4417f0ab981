package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"stepca/ca"
	"stepca/kv/pebble"
	"stepca/store"
)

// writers is how many records are written at a time; they share each sync.
const writers = 256

// fill opens the store of a CA that is not running and writes n records.
func (a *authority) fill(ctx context.Context, n int, what string, write func(context.Context, *store.Store, int) error) (err error) {
	if n == 0 {
		return nil
	}
	engine, err := pebble.Open(ctx, pebble.Options{Dir: a.path("db")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	db := store.New(engine, store.Options{})
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range writers {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := write(ctx, db, i); err != nil {
					return err
				}
				if i > 0 && i%100_000 == 0 {
					progress("  %d %s stored", i, what)
				}
			}
		})
	}
	return group.Wait()
}

// fillCertificates stores n certificates and returns their serial numbers.
func (a *authority) fillCertificates(ctx context.Context, n int) ([]string, error) {
	progress("storing %d certificates", n)
	stamp, err := newStamp()
	if err != nil {
		return nil, err
	}
	serials := make([]string, n)
	return serials, a.fill(ctx, n, "certificates", func(ctx context.Context, db *store.Store, i int) error {
		crt := stamp.certificate(i)
		serials[i] = crt.Serial
		return db.Record(ctx, &store.Issuance{
			Certificate: crt,
			OneTime:     &ca.OneTimeID{ID: crt.TokenID, Expires: time.Now().Add(5 * time.Minute)},
		})
	})
}

// fillRevoked stores n revocations of certificates that still have time to live,
// so that all of them are in the CRL.
func (a *authority) fillRevoked(ctx context.Context, n int) error {
	progress("storing %d revocations", n)
	expires := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	return a.fill(ctx, n, "revocations", func(ctx context.Context, db *store.Store, i int) error {
		_, err := db.Revoke(ctx, &ca.Revocation{
			Serial: ca.NewSerialNumber().String(), Issuer: "default", ExpiresAt: expires, Reason: "bench", By: "token",
		}, nil)
		return err
	})
}

// A stamp makes records as the server makes them, without signing: it puts random
// bytes wherever certificates of one kind differ.
type stamp struct {
	der     []byte
	serial  int   // offset of the serial number in der
	name    []int // offsets of the name
	random  []span
	expires time.Time
}

type span struct{ from, to int }

const (
	stampName = "host-%08d.example.com"
	serialLen = 15
)

func newStamp() (*stamp, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	issuer, err := certify(authorityTemplate("Bench Intermediate CA"), authorityTemplate("Bench Intermediate CA"), key.Public(), key)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf(stampName, 0)
	tmpl := leafTemplate(name)
	serial := append([]byte{0x5a}, randomBytes(serialLen-1)...)
	tmpl.SerialNumber = new(big.Int).SetBytes(serial)
	leaf, err := certify(tmpl, issuer, key.Public(), key)
	if err != nil {
		return nil, err
	}
	at := func(part []byte) int { return bytes.Index(leaf.Raw, part) }
	point := leaf.RawSubjectPublicKeyInfo[len(leaf.RawSubjectPublicKeyInfo)-64:]
	s := &stamp{der: leaf.Raw, serial: at(serial), expires: leaf.NotAfter}
	for rest := 0; ; {
		i := bytes.Index(leaf.Raw[rest:], []byte(name))
		if i < 0 {
			break
		}
		s.name = append(s.name, rest+i)
		rest += i + len(name)
	}
	for _, part := range [][]byte{point, leaf.SubjectKeyId, leaf.Signature[8:]} {
		s.random = append(s.random, span{at(part), at(part) + len(part)})
	}
	return s, nil
}

// certificate returns the i-th record.
func (s *stamp) certificate(i int) *store.Certificate {
	name := fmt.Sprintf(stampName, i)
	der := bytes.Clone(s.der)
	for _, part := range s.random {
		copy(der[part.from:part.to], randomBytes(part.to-part.from))
	}
	for _, at := range s.name {
		copy(der[at:], name)
	}
	serial := der[s.serial : s.serial+serialLen]
	copy(serial[1:], randomBytes(serialLen-1))
	keyHash := sha256.Sum256(der[s.random[0].from:s.random[0].to])
	return &store.Certificate{
		Serial:      new(big.Int).SetBytes(serial).String(),
		Issuer:      "default",
		Provisioner: ca.ProvisionerRef{ID: "bench:" + "A_Gt2BNpfIOKiM3OeVLrTbaGBHS3mV5BDxHYeD4K8wY", Name: "bench", Type: "JWK"},
		Operation:   ca.SignX509,
		NotBefore:   s.expires.Add(-24 * time.Hour),
		NotAfter:    s.expires.Add(time.Duration(i%86_400) * time.Second),
		Names:       ca.Names([]string{name}, nil, nil, nil),
		KeyHash:     keyHash[:],
		TokenID:     fmt.Sprintf("%x", randomBytes(32)),
		RequestID:   fmt.Sprintf("%x", randomBytes(16)),
		DER:         der,
	}
}

// diskUse returns the bytes of all files below a directory.
func diskUse(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	return total, err
}
