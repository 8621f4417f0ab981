//go:build unix

package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3"
	acmezacme "github.com/mholt/acmez/v3/acme"
	xacme "golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"stepca/internal/acmetest"
)

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestXCrypto goes the way of cert-manager, whose client is that of
// golang.org/x/crypto: an account with a key that the operator gave, an order with
// an end, http-01 through a file, finalization, the chain and its alternates,
// renewal, another key of the account, revocation.
func TestXCrypto(t *testing.T) {
	t.Parallel()
	w := acmetest.New(t, map[string]any{"requireEAB": true, "claims": map[string]any{"maxTLSCertDuration": "72h"}})
	root := w.Webroot(t)
	cl := &xacme.Client{Key: newKey(t), HTTPClient: w.CA.HTTP(nil), DirectoryURL: w.Directory}
	dir, err := cl.Discover(t.Context())
	if err != nil || !dir.ExternalAccountRequired {
		t.Fatalf("directory %+v, %v", dir, err)
	}
	id, secret := w.ExternalKey(t)
	mac, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	account := &xacme.Account{Contact: []string{"mailto:ops@example.com"}, ExternalAccountBinding: &xacme.ExternalAccountBinding{KID: id, Key: mac}}
	if _, err := cl.Register(t.Context(), account, xacme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Register(t.Context(), account, xacme.AcceptTOS); !errors.Is(err, xacme.ErrAccountAlreadyExists) {
		t.Errorf("registered again: %v", err)
	}
	if got, err := cl.GetReg(t.Context(), ""); err != nil || got.Status != xacme.StatusValid {
		t.Fatalf("account %+v, %v", got, err)
	}
	// Authorized in advance, so that the order only needs the other identifier.
	authz, err := cl.Authorize(t.Context(), "a.example")
	if err != nil {
		t.Fatal(err)
	}
	xcryptoProve(t, cl, root, authz)
	first, pending := xcryptoOrder(t, w, cl, root)
	if pending != 1 {
		t.Errorf("the order has %d pending authorizations, of which one was made in advance", pending)
	}
	second, _ := xcryptoOrder(t, w, cl, root)
	wantRenewed(t, first, second)
	if err := cl.AccountKeyRollover(t.Context(), newKey(t)); err != nil {
		t.Fatal(err)
	}
	if err := cl.RevokeCert(t.Context(), nil, first.Raw, xacme.CRLReasonSuperseded); err != nil {
		t.Error(err)
	}
	w.WantRevoked(t, first, superseded)
	if err := cl.RevokeCert(t.Context(), nil, first.Raw, xacme.CRLReasonSuperseded); err != nil {
		t.Errorf("x/crypto takes alreadyRevoked for success, got %v", err)
	}
	if err := cl.DeactivateReg(t.Context()); err != nil {
		t.Error(err)
	}
	if err := cl.RevokeCert(t.Context(), nil, second.Raw, xacme.CRLReasonSuperseded); err == nil {
		t.Error("an account that is no more revoked a certificate")
	}
}

// xcryptoProve fulfils an authorization with http-01.
func xcryptoProve(t *testing.T, cl *xacme.Client, root string, authz *xacme.Authorization) {
	t.Helper()
	for _, challenge := range authz.Challenges {
		if challenge.Type != "http-01" {
			continue
		}
		text, err := cl.HTTP01ChallengeResponse(challenge.Token)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(cl.HTTP01ChallengePath(challenge.Token))), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cl.Accept(t.Context(), challenge); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := cl.WaitAuthorization(t.Context(), authz.URI); err != nil {
		t.Fatal(err)
	}
}

// xcryptoOrder gets a certificate for a name and an address for two days, and counts
// the authorizations that it had to fulfil.
func xcryptoOrder(t *testing.T, w *acmetest.World, cl *xacme.Client, root string) (crt *x509.Certificate, pending int) {
	t.Helper()
	ctx := t.Context()
	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	order, err := cl.AuthorizeOrder(ctx, append(xacme.DomainIDs("a.example"), xacme.IPIDs("127.0.0.1")...), xacme.WithOrderNotAfter(until))
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range order.AuthzURLs {
		authz, err := cl.GetAuthorization(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		if authz.Status == xacme.StatusPending {
			xcryptoProve(t, cl, root, authz)
			pending++
		}
	}
	if order, err = cl.WaitOrder(ctx, order.URI); err != nil {
		t.Fatal(err)
	}
	csr, err := acmez.NewCSR(newKey(t), []string{"a.example", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	chain, url, err := cl.CreateOrderCert(ctx, order.FinalizeURL, csr.Raw, true)
	if err != nil {
		t.Fatal(err)
	}
	if alternates, err := cl.ListCertAlternates(ctx, url); err != nil || len(alternates) != 0 {
		t.Errorf("alternates %v, %v", alternates, err)
	}
	if again, err := cl.FetchCert(ctx, url, true); err != nil || len(again) != len(chain) {
		t.Errorf("fetched again: %d certificates, %v", len(again), err)
	}
	certificates, err := x509.ParseCertificates(join(chain))
	if err != nil {
		t.Fatal(err)
	}
	w.Check(t, certificates, "a.example", "127.0.0.1")
	if got := certificates[0].NotAfter; !got.Equal(until) {
		t.Errorf("the certificate lives until %v, want %v", got, until)
	}
	return certificates[0], pending
}

func join(chain [][]byte) []byte {
	var all []byte
	for _, der := range chain {
		all = append(all, der...)
	}
	return all
}

// TestAutocert: a server in Go gets the certificate for a name when the first
// client asks for it, with each of its two challenges alone.
func TestAutocert(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, "curl", "curl", map[string]any{"challenges": []any{challenge}})
			manager := &autocert.Manager{
				Prompt:     autocert.AcceptTOS,
				Cache:      autocert.DirCache(c.File("cache")),
				HostPolicy: autocert.HostWhitelist("www.example.com"),
				Client:     &xacme.Client{DirectoryURL: c.Directory, HTTPClient: c.CA.HTTP(nil)},
			}
			if challenge == "http-01" {
				answer := manager.HTTPHandler(nil)
				port80 := &http.Server{Addr: c.HTTP, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Host = strings.TrimSuffix(r.Host, ":"+c.HTTPPort()) // it would have none at port 80
					answer.ServeHTTP(w, r)
				})}
				go port80.ListenAndServe()
				defer port80.Close()
			}
			server := &http.Server{Addr: c.TLS, TLSConfig: manager.TLSConfig(), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Write([]byte("hello from Go"))
			}), ErrorLog: log.New(io.Discard, "", 0)}
			go server.ListenAndServeTLS("", "")
			defer server.Close()
			if page := c.fetch(t, "www.example.com"); page != "hello from Go" {
				t.Errorf("%q", page)
			}
			c.Check(t, c.shown(t, "www.example.com"), "www.example.com")
		})
	}
}

// files is a solver of http-01 that writes files.
type files struct{ root string }

func (f files) Present(_ context.Context, c acmezacme.Challenge) error {
	return os.WriteFile(filepath.Join(f.root, filepath.FromSlash(c.HTTP01ResourcePath())), []byte(c.KeyAuthorization), 0o600)
}

func (f files) CleanUp(_ context.Context, c acmezacme.Challenge) error {
	return os.Remove(filepath.Join(f.root, filepath.FromSlash(c.HTTP01ResourcePath())))
}

// TestAcmez goes the way of Caddy and certmagic of today: renewal information, a
// renewal that says what it replaces, and revocation with the certificate's key.
func TestAcmez(t *testing.T) {
	t.Parallel()
	w := acmetest.New(t, map[string]any{"requireEAB": true})
	ctx := t.Context()
	cl := acmez.Client{
		Client:           &acmezacme.Client{Directory: w.Directory, HTTPClient: w.CA.HTTP(nil)},
		ChallengeSolvers: map[string]acmez.Solver{acmezacme.ChallengeTypeHTTP01: files{w.Webroot(t)}},
	}
	account := acmezacme.Account{PrivateKey: newKey(t), TermsOfServiceAgreed: true, Contact: []string{"mailto:ops@example.com"}}
	id, secret := w.ExternalKey(t)
	if err := account.SetExternalAccountBinding(ctx, cl.Client, acmezacme.EAB{KeyID: id, MACKey: secret}); err != nil {
		t.Fatal(err)
	}
	account, err := cl.NewAccount(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	obtain := func(key crypto.Signer, replaces *x509.Certificate) *x509.Certificate {
		t.Helper()
		csr, err := acmez.NewCSR(key, []string{"a.example"})
		if err != nil {
			t.Fatal(err)
		}
		order, err := acmez.OrderParametersFromCSR(account, csr)
		if err != nil {
			t.Fatal(err)
		}
		order.Replaces = replaces
		chains, err := cl.ObtainCertificate(ctx, order)
		if err != nil {
			t.Fatal(err)
		}
		file := w.Write(t, "acmez.crt", string(chains[0].ChainPEM), 0o600)
		return w.Leaf(t, file, "a.example")
	}

	key := newKey(t)
	first := obtain(key, nil)
	info, err := cl.GetRenewalInfo(ctx, first)
	if err != nil || !info.HasWindow() || info.RetryAfter == nil {
		t.Fatalf("renewal information %+v, %v", info, err)
	}
	if start := info.SuggestedWindow.Start; start.Before(first.NotBefore) || info.SuggestedWindow.End.After(first.NotAfter) {
		t.Errorf("window %v of a certificate from %v until %v", info.SuggestedWindow, first.NotBefore, first.NotAfter)
	}
	second := obtain(newKey(t), first)
	wantRenewed(t, first, second)
	wantRenewed(t, second, obtain(newKey(t), first)) // it was replaced already, and acmez asks again without
	if err := cl.RevokeCertificate(ctx, account, first, key, acmezacme.ReasonKeyCompromise); err != nil {
		t.Error(err)
	}
	if err := cl.RevokeCertificate(ctx, account, second, nil, acmezacme.ReasonSuperseded); err != nil {
		t.Error(err)
	}
	w.WantRevoked(t, first, keyCompromise)
	w.WantRevoked(t, second, superseded)
	if info, err := cl.GetRenewalInfo(ctx, second); err != nil || info.SuggestedWindow.End.After(time.Now()) {
		t.Errorf("renewal information of a revoked certificate: %+v, %v", info, err)
	}
	acmezAccount(t, &cl, account)
}

// acmezAccount does with an account all that acmez can. It always sends the whole
// account.
func acmezAccount(t *testing.T, cl *acmez.Client, account acmezacme.Account) {
	t.Helper()
	ctx := t.Context()
	if found, err := cl.GetAccount(ctx, account); err != nil || found.Location != account.Location {
		t.Errorf("account %s, found %s, %v", account.Location, found.Location, err)
	}
	account.Contact = []string{"mailto:new@example.com"}
	account, err := cl.UpdateAccount(ctx, account)
	if err != nil || account.Contact[0] != "mailto:new@example.com" {
		t.Fatalf("account %+v, %v", account, err)
	}
	if account, err = cl.AccountKeyRollover(ctx, account, newKey(t)); err != nil {
		t.Fatal(err)
	}
	account.Status = acmezacme.StatusDeactivated
	if account, err = cl.UpdateAccount(ctx, account); err != nil || account.Status != acmezacme.StatusDeactivated {
		t.Errorf("account %+v, %v", account, err)
	}
	if _, err := cl.GetAccount(ctx, account); err == nil {
		t.Error("the account is there after it was deactivated")
	}
}
