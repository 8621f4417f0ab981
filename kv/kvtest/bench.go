package kvtest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"stepca/kv"
)

// Benchmark measures what issuing costs the store: Updates that insert a record
// of the size of a certificate and four index keys, by one writer and by 64,
// and reading such records back.
func Benchmark(b *testing.B, open Open) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			e := open(b, b.TempDir())
			defer closeEngine(b, e)
			b.ReportAllocs()
			var next atomic.Uint64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > uint64(b.N) {
							return
						}
						if err := Issue(context.Background(), e, n); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
	b.Run("get", func(b *testing.B) {
		e := open(b, b.TempDir())
		defer closeEngine(b, e)
		const records = 2000
		noError := func(err error) {
			if err != nil {
				b.Fatal(err)
			}
		}
		for n := range uint64(records) {
			noError(Issue(context.Background(), e, n))
		}
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for n := uint64(0); p.Next(); n++ {
				if err := e.View(context.Background(), func(r kv.Reader) error {
					_, err := r.Get("certificates", serialOf(n%records))
					return err
				}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func serialOf(n uint64) []byte {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	return h[:16]
}

// Issue stores a made-up certificate number n: a record of about 700 bytes,
// half of which looks random as keys and signatures do, and its index entries
// by expiry, name, provisioner and public key.
func Issue(ctx context.Context, e kv.Engine, n uint64) error {
	serial := serialOf(n)
	key := sha256.Sum256(serial)
	expiry := binary.BigEndian.AppendUint64(nil, 1_700_000_000+n)
	var noise []byte
	for h := key; len(noise) < 400; h = sha256.Sum256(h[:]) {
		noise = append(noise, h[:]...)
	}
	record := fmt.Appendf(nil, `{"serial":"%x","provisioner":"acme/acme","notBefore":"2026-01-01T00:00:00Z","notAfter":"2026-01-02T00:00:00Z","names":["host-%d.example.com"],"der":"%s"}`, serial, n, base64.StdEncoding.EncodeToString(noise))
	return e.Update(ctx, func(tx kv.Tx) error {
		return errors.Join(
			tx.Insert("certificates", serial, record),
			tx.Put("certificates_by_expiry", append(expiry, serial...), nil),
			tx.Put("certificates_by_name", fmt.Appendf(nil, "com.example.host-%d\x00%s", n, serial), nil),
			tx.Put("certificates_by_provisioner", fmt.Appendf(nil, "acme/acme\x00%s%s", expiry, serial), nil),
			tx.Put("certificates_by_key", append(key[:], serial...), nil),
		)
	})
}
