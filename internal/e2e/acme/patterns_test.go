//go:build unix

package acme

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mholt/acmez/v3"
	xacme "golang.org/x/crypto/acme"

	"stepca/internal/acmetest"
)

// An answer of the server, as it was sent.
type answer struct {
	path   string
	header http.Header
	body   string
}

// A recorder is a transport that keeps the answers.
type recorder struct {
	next http.RoundTripper

	mu      sync.Mutex // guards answers
	answers []answer
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = append(r.answers, answer{req.URL.Path, resp.Header, string(body)})
	return resp, err
}

// patterns are those by which clients in shell, acme.sh above all, find what they
// need: in one line, by names with a quoted value right behind, and in the order of
// an object's members as far as braces matter. The key is part of the path.
var patterns = map[string]*regexp.Regexp{
	"/directory":   regexp.MustCompile(`"newNonce":"https://[^"]*".*"newAccount":"https://[^"]*".*"newOrder":"https://[^"]*".*"revokeCert":"https://[^"]*"`),
	"/new-account": regexp.MustCompile(`"status":"valid"`),
	"/new-order":   regexp.MustCompile(`"authorizations":\["https://[^"\]]*"\],"finalize":"https://[^"]*"`),
	// From the brace before the type to the first one behind, the challenge has
	// all it needs, even if there is an error with braces of its own.
	"/authz/":     regexp.MustCompile(`[^{]*"type":"http-01"[^{}]*"token":"[^"]*"[^{}]*"url":"https://[^"]*"`),
	"/challenge/": regexp.MustCompile(`^{"type":"http-01","status":"[a-z]*"[^{}]*"url":"https://[^"]*"`),
	"/finalize":   regexp.MustCompile(`"status":"valid".*"certificate":"https://[^"]*"`),
}

// TestAnswersFitPatterns looks at the answers of an order whose challenge fails at
// first and is tried again.
func TestAnswersFitPatterns(t *testing.T) {
	t.Parallel()
	w := acmetest.New(t, map[string]any{"challenges": []any{"http-01"}})
	root := w.Webroot(t)
	hc := w.CA.HTTP(nil)
	rec := &recorder{next: hc.Transport}
	hc.Transport = rec
	ctx := t.Context()
	cl := &xacme.Client{Key: newKey(t), HTTPClient: hc, DirectoryURL: w.Directory}
	if _, err := cl.Register(ctx, &xacme.Account{}, xacme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	order, err := cl.AuthorizeOrder(ctx, xacme.DomainIDs("a.example"))
	if err != nil {
		t.Fatal(err)
	}
	authz, err := cl.GetAuthorization(ctx, order.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	challenge := authz.Challenges[0]
	if _, err := cl.Accept(ctx, challenge); err != nil {
		t.Fatal(err)
	}
	(&client{World: w}).wait(t, "an attempt", func() bool {
		authz, err := cl.GetAuthorization(ctx, authz.URI)
		return err != nil || authz.Challenges[0].Error != nil
	})
	text, err := cl.HTTP01ChallengeResponse(challenge.Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(cl.HTTP01ChallengePath(challenge.Token))), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitAuthorization(ctx, authz.URI); err != nil {
		t.Fatal(err)
	}
	csr, err := acmez.NewCSR(newKey(t), []string{"a.example"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := cl.CreateOrderCert(ctx, order.FinalizeURL, csr.Raw, true); err != nil {
		t.Fatal(err)
	}
	rec.check(t)
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, failed := make(map[string]bool), false
	for _, a := range r.answers {
		for part, pattern := range patterns {
			if !strings.Contains(a.path, part) {
				continue
			}
			seen[part] = true
			if !pattern.MatchString(a.body) || strings.Contains(a.body, "\n") {
				t.Errorf("%s: %s\nis not like %s", a.path, a.body, pattern)
			}
		}
		failed = failed || strings.Contains(a.path, "/authz/") && strings.Contains(a.body, `"error":{`)
		if after := a.header.Get("Retry-After"); after != "" && !regexp.MustCompile(`^[0-9]+$`).MatchString(after) {
			t.Errorf("%s: Retry-After %q is not in seconds", a.path, after)
		}
		if strings.HasSuffix(a.path, "/new-order") || strings.HasSuffix(a.path, "/finalize") {
			if a.header.Get("Location") == "" { // mod_md and acme.sh follow that of finalize
				t.Errorf("%s: no Location", a.path)
			}
		}
	}
	if len(seen) != len(patterns) || !failed {
		t.Errorf("only %v were asked for; an authorization with an error: %v", seen, failed)
	}
}
