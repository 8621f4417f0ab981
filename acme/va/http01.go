package va

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"stepca/acme"
	"stepca/ca"
)

const (
	maxRedirects    = 10
	maxHTTPBody     = 8 << 10  // bytes; a key authorization has about 90
	maxHTTPHeader   = 64 << 10 // bytes
	maxShownAnswer  = 100      // bytes of a wrong answer in the problem
	maxRedirectURL  = 2000     // bytes
	challengePrefix = "/.well-known/acme-challenge/"
)

// errRedirect is why a redirect is not followed.
var errRedirect = errors.New("redirect not followed")

// http01 fetches the key authorization from the server of the identifier
// (RFC 8555 §8.3).
func (v *Validator) http01(ctx context.Context, req *acme.Validation) *acme.Problem {
	target := v.http01URL(req)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return terminal(acme.ProblemMalformed, "identifier %s makes no URL", req.Identifier)
	}
	if err := refuseLiteral(r.URL); err != nil {
		return unreached("fetching "+target, err)
	}
	r.Header.Set("User-Agent", UserAgent)
	r.Header.Set("Accept", "*/*")
	transport := v.transport()
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, CheckRedirect: v.checkRedirect}).Do(r)
	if err != nil {
		return unreached("fetching "+target, err)
	}
	defer resp.Body.Close()
	return checkHTTPAnswer(resp, target, req)
}

// checkHTTPAnswer compares the answer with the key authorization.
func checkHTTPAnswer(resp *http.Response, target string, req *acme.Validation) *acme.Problem {
	where, redirected := target, false
	if final := resp.Request.URL.String(); final != target {
		where, redirected = target+" (redirected to "+clip(final)+")", true
	}
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusBadRequest {
		return retryable(acme.ProblemIncorrectResponse, nil, "%s answered with status %d instead of the key authorization", where, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHTTPBody+1))
	if err != nil {
		return retryable(acme.ProblemConnection, err, "reading the answer of %s: %s", where, reason(err))
	}
	if len(body) > maxHTTPBody {
		return terminal(acme.ProblemIncorrectResponse, "%s answered with more than %d bytes instead of the key authorization", where, maxHTTPBody)
	}
	// Compatible: the reference, and RFC 8555, tolerate white space around it.
	if got := strings.TrimSpace(string(body)); subtle.ConstantTimeCompare([]byte(got), []byte(req.KeyAuthorization)) != 1 {
		answer := quote(got)
		if redirected {
			answer = "something else" // where a redirect leads, there may be what the client must not read
		}
		return terminal(acme.ProblemIncorrectResponse, "%s answered with %s instead of the key authorization %q", where, answer, req.KeyAuthorization)
	}
	return nil
}

func (v *Validator) http01URL(req *acme.Validation) string {
	host := req.Identifier.Value
	if req.Identifier.Type == ca.IP && strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if v.cfg.HTTPPort != 80 {
		host += ":" + strconv.Itoa(v.cfg.HTTPPort)
	}
	return "http://" + host + challengePrefix + url.PathEscape(req.Token)
}

// transport makes the connections of one attempt. Certificates are not verified
// (a redirect to https goes to a server that may not have one yet), and nothing
// is decompressed.
func (v *Validator) transport() *http.Transport {
	return &http.Transport{
		Proxy:                  v.proxy(),
		DialContext:            v.dial,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHTTPHeader,
	}
}

// proxy is nil for none.
func (v *Validator) proxy() func(*http.Request) (*url.URL, error) {
	if v.cfg.HTTPProxy == nil {
		return nil
	}
	return http.ProxyURL(v.cfg.HTTPProxy)
}

// checkRedirect follows at most maxRedirects, to http and https on their own
// ports. The address is checked when it is connected to.
func (v *Validator) checkRedirect(req *http.Request, via []*http.Request) error {
	u := req.URL
	port := u.Port()
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d of them", errRedirect, maxRedirects)
	case len(u.String()) > maxRedirectURL:
		return fmt.Errorf("%w: the URL has more than %d bytes", errRedirect, maxRedirectURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: scheme %q of %s is neither http nor https", errRedirect, u.Scheme, clip(u.String()))
	case u.Hostname() == "":
		return fmt.Errorf("%w: %s has no host", errRedirect, clip(u.String()))
	case u.User != nil:
		return fmt.Errorf("%w: its URL has a user name", errRedirect)
	case port != "" && !slices.Contains([]string{"80", "443", strconv.Itoa(v.cfg.HTTPPort), strconv.Itoa(v.cfg.TLSPort)}, port):
		return fmt.Errorf("%w: port %s of %s is neither 80 nor 443", errRedirect, port, clip(u.String()))
	}
	return refuseLiteral(u)
}

// refuseLiteral refuses a URL with an address that is never connected to. Behind a
// proxy nothing else would.
func refuseLiteral(u *url.URL) error {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	return refuseMetadata(addr)
}
