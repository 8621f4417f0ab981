package revocation_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

func TestCRLContents(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "P-521", "RSA", "Ed25519"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, "default", kind)
			s := start(t, mem.New(), revocation.Config{Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}})
			_, empty := fetch(t, s, "")
			if len(empty.RevokedCertificateEntries) != 0 || empty.Number.Sign() != 0 {
				t.Errorf("first list has %d entries and number %v", len(empty.RevokedCertificateEntries), empty.Number)
			}
			want := map[string]int{"1": 0, "255": 1, "65536": 4, "7": 0, "8": 0, "9": 9}
			large := new(big.Int).Lsh(big.NewInt(1), 159).String()
			want[large] = 10
			for serial, reason := range want {
				switch serial {
				case "7":
					reason = 7 // unused in RFC 5280
				case "8":
					reason = 8 // removeFromCRL, for delta lists
				}
				revoke(t, s, serial, reason)
			}
			c, l := fetch(t, s, "default")
			if err := l.CheckSignatureFrom(a.Certificate); err != nil {
				t.Error(err)
			}
			if got := listed(l); !same(got, want) {
				t.Errorf("entries %v, want %v", got, want)
			}
			if !bytes.Equal(l.AuthorityKeyId, a.Certificate.SubjectKeyId) || !bytes.Equal(l.RawIssuer, a.Certificate.RawSubject) {
				t.Error("the list does not name its issuer")
			}
			if l.NextUpdate.Sub(l.ThisUpdate) != 24*time.Hour || !l.ThisUpdate.Equal(c.ThisUpdate) || !l.NextUpdate.Equal(c.NextUpdate) {
				t.Errorf("updates %v and %v", l.ThisUpdate, l.NextUpdate)
			}
			if l.Number.Int64() != c.Number || c.Number < 1 {
				t.Errorf("number %v, want %d", l.Number, c.Number)
			}
			checkIDP(t, l.Extensions[2].Critical, l.Extensions[2].Id.String(), l.Extensions[2].Value)
		})
	}
}

// checkIDP wants the bytes that the reference writes.
func checkIDP(t *testing.T, critical bool, id string, value []byte) {
	t.Helper()
	uri := "https://ca.example/1.0/crl"
	n := byte(len(uri))
	want := append([]byte{0x30, n + 6, 0xa0, n + 4, 0xa0, n + 2, 0x86, n}, uri...)
	if !critical || id != "2.5.29.28" || !bytes.Equal(value, want) {
		t.Errorf("issuing distribution point: critical %v, %s, %x, want %x", critical, id, value, want)
	}
}

func TestReaderAfterRevocationSeesIt(t *testing.T) {
	t.Parallel()
	s, _ := startOne(t, crlOn)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				serial := fmt.Sprint(1 + w*1000 + i)
				revoke(t, s, serial, 1)
				if _, l := fetch(t, s, ""); listed(l)[serial] != 1 {
					t.Errorf("list %v lacks %s", l.Number, serial)
				}
			}
		})
	}
	wg.Wait()
	if _, l := fetch(t, s, ""); len(l.RevokedCertificateEntries) != 100 {
		t.Errorf("%d entries, want 100", len(l.RevokedCertificateEntries))
	}
}

func TestListStaysUntilRenewedWithoutGenerateOnRevoke(t *testing.T) {
	t.Parallel()
	s, _ := startOne(t, revocation.CRLSettings{Enabled: true, CacheDuration: 3 * time.Second, RenewPeriod: time.Second})
	first, _ := fetch(t, s, "")
	revoke(t, s, "5", 0)
	if c, _ := fetch(t, s, ""); c.Number != first.Number && time.Since(first.ThisUpdate) < time.Second {
		t.Errorf("list %d replaced list %d at once", c.Number, first.Number)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, l := fetch(t, s, "")
		// The first renewal may have begun before the revocation.
		if c.Number > first.Number && len(l.RevokedCertificateEntries) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("list %d, the first is %d, has %d entries, want 1", c.Number, first.Number, len(l.RevokedCertificateEntries))
		}
	}
}

func TestEachIssuerHasItsList(t *testing.T) {
	t.Parallel()
	a, b := newAuthority(t, "default", "P-256"), newAuthority(t, "other", "P-256")
	db := store.New(mem.New(), store.Options{})
	crt := &store.Certificate{Serial: "20", Issuer: "other", NotAfter: time.Now().Add(time.Hour)}
	if err := db.Record(t.Context(), &store.Issuance{Certificate: crt}); err != nil {
		t.Fatal(err)
	}
	upstream := revocation.Issuer{Name: "upstream"}
	s := start(t, nil, revocation.Config{Store: db, Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer, b.Issuer, upstream}, CRL: crlOn}})
	revoke(t, s, "10", 0)
	revoke(t, s, "20", 0)
	for issuer, want := range map[string]map[string]int{"default": {"10": 0}, "other": {"20": 0}} {
		if _, l := fetch(t, s, issuer); !same(listed(l), want) {
			t.Errorf("list of %s has %v, want %v", issuer, listed(l), want)
		}
	}
	for _, issuer := range []string{"third", "upstream"} {
		if _, err := s.CRL(t.Context(), issuer); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("list of %s: %v, want kind not found", issuer, err)
		}
	}
}

func TestListSurvivesRestart(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "default", "P-256")
	engine := mem.New()
	cfg := revocation.Config{Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}}
	var last int64
	for round := range 3 {
		s := start(t, engine, cfg)
		revoke(t, s, fmt.Sprint(round+1), 1)
		c, l := fetch(t, s, "")
		if len(l.RevokedCertificateEntries) != round+1 {
			t.Errorf("round %d: %d entries, want %d", round, len(l.RevokedCertificateEntries), round+1)
		}
		if round > 0 && c.Number <= last {
			t.Errorf("round %d: number %d after %d", round, c.Number, last)
		}
		last = c.Number
	}
}

func TestServersWithOneDatabaseSeeEachOthersRevocations(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "default", "P-256")
	engine := mem.New()
	cfg := revocation.Config{Shared: true, Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}}
	one, two := start(t, engine, cfg), start(t, engine, cfg)
	fetch(t, two, "")
	revoke(t, one, "5", 1)
	revoke(t, two, "6", 1)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, l := fetch(t, two, "")
		if len(l.RevokedCertificateEntries) == 2 {
			if want := map[string]int{"5": 1, "6": 1}; !same(listed(l), want) {
				t.Errorf("entries %v, want %v", listed(l), want)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other server's list has %v", listed(l))
		}
	}
}

func TestExpiredCertificatesLeaveTheList(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "default", "P-256")
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	db := store.New(mem.New(), store.Options{Now: clock})
	for serial, life := range map[string]time.Duration{"1": time.Hour, "2": 10 * time.Hour} {
		crt := &store.Certificate{Serial: serial, Issuer: "default", NotAfter: now.Add(life)}
		if err := db.Record(t.Context(), &store.Issuance{Certificate: crt}); err != nil {
			t.Fatal(err)
		}
	}
	cfg := revocation.Config{Store: db, Now: clock, Settings: revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}}
	s := start(t, nil, cfg)
	for _, serial := range []string{"1", "2", "3"} {
		revoke(t, s, serial, 0)
	}
	if _, l := fetch(t, s, ""); len(l.RevokedCertificateEntries) != 3 {
		t.Errorf("%d entries, want 3", len(l.RevokedCertificateEntries))
	}
	mu.Lock()
	now = now.Add(3*time.Hour + time.Minute)
	mu.Unlock()
	revoke(t, s, "4", 0)
	want := map[string]int{"2": 0, "3": 0, "4": 0} // 3 is not on record
	if _, l := fetch(t, s, ""); !same(listed(l), want) {
		t.Errorf("entries %v, want %v", listed(l), want)
	}
	if _, l := fetch(t, start(t, nil, cfg), ""); !same(listed(l), want) {
		t.Errorf("after a restart %v, want %v", listed(l), want)
	}
}

func TestReloadKeepsWhatDidNotChange(t *testing.T) {
	t.Parallel()
	a, b := newAuthority(t, "default", "P-256"), newAuthority(t, "default", "P-256")
	settings := revocation.Settings{Issuers: []revocation.Issuer{a.Issuer}, CRL: crlOn}
	s := start(t, mem.New(), revocation.Config{Settings: settings})
	revoke(t, s, "5", 1)
	before, _ := fetch(t, s, "")

	if err := s.Reload(settings); err != nil {
		t.Fatal(err)
	}
	if after, _ := fetch(t, s, ""); after != before {
		t.Errorf("the same settings: list %d replaced list %d", after.Number, before.Number)
	}
	bad := settings
	bad.CRL.RenewPeriod = 1000 * time.Hour
	if err := s.Reload(bad); err == nil {
		t.Error("settings with a renewal after the end were taken")
	}
	settings.Issuers = []revocation.Issuer{b.Issuer}
	if err := s.Reload(settings); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		_, l := fetch(t, s, "")
		if l.CheckSignatureFrom(b.Certificate) == nil {
			if len(l.RevokedCertificateEntries) != 1 {
				t.Errorf("list of the new certificate has %d entries, want 1", len(l.RevokedCertificateEntries))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new certificate signs no list")
		}
	}
	settings.CRL.Enabled = false
	if err := s.Reload(settings); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CRL(t.Context(), ""); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("disabled: %v, want kind not found", err)
	}
	revoke(t, s, "6", 1)
	settings.CRL.Enabled = true
	if err := s.Reload(settings); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, l := fetch(t, s, ""); same(listed(l), map[string]int{"5": 1, "6": 1}) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("enabled again, the list lacks a revocation made meanwhile")
		}
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	good := newAuthority(t, "default", "P-256").Issuer
	noUsage, noKeyID := good, good
	crt := *good.Certificate
	crt.KeyUsage &^= 1 << 6 // cRLSign
	noUsage.Certificate = &crt
	crt2 := *good.Certificate
	crt2.SubjectKeyId = nil
	noKeyID.Certificate = &crt2
	db := store.New(mem.New(), store.Options{})
	for name, cfg := range map[string]revocation.Config{
		"no database":  {Store: store.New(mem.New(), store.Options{TokensOnly: true}), Settings: revocation.Settings{Issuers: []revocation.Issuer{good}, CRL: crlOn}},
		"no key usage": {Store: db, Settings: revocation.Settings{Issuers: []revocation.Issuer{noUsage}, CRL: crlOn}},
		"no key ID":    {Store: db, Settings: revocation.Settings{Issuers: []revocation.Issuer{noKeyID}, CRL: crlOn}},
	} {
		if _, err := revocation.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCRLIsServedWithoutCopies(t *testing.T) {
	t.Parallel()
	s, _ := startOne(t, crlOn)
	for i := range 3000 { // more than one piece
		revoke(t, s, fmt.Sprint(i+1), 1)
	}
	c, l := fetch(t, s, "")
	if len(l.RevokedCertificateEntries) != 3000 {
		t.Fatalf("%d entries, want 3000", len(l.RevokedCertificateEntries))
	}
	der := c.DER()
	if int64(len(der)) != c.Size() {
		t.Errorf("Size = %d, want %d", c.Size(), len(der))
	}
	if err := iotest.TestReader(c.Reader(), der); err != nil {
		t.Error(err)
	}
	var text bytes.Buffer
	if err := c.WritePEM(&text); err != nil {
		t.Fatal(err)
	}
	if want := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}); !bytes.Equal(text.Bytes(), want) {
		t.Error("PEM differs from that of encoding/pem")
	}
	rec := httptest.NewRecorder()
	rec.Header().Set("ETag", c.ETag)
	req := httptest.NewRequest(http.MethodGet, "/crl", nil)
	req.Header.Set("If-None-Match", c.ETag)
	http.ServeContent(rec, req, "", c.ThisUpdate, c.Reader())
	if rec.Code != http.StatusNotModified {
		t.Errorf("status %d for a known ETag, want 304", rec.Code)
	}
	if n, err := c.Reader().Seek(0, io.SeekEnd); n != c.Size() || err != nil {
		t.Errorf("Seek to the end = %d, %v", n, err)
	}
}
