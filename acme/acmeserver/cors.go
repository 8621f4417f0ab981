package acmeserver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// preflightLifetime is how long a browser may remember what it was told.
const preflightLifetime = 24 * time.Hour

// allowOrigins lets clients in browsers read the answer, whatever page they belong to
// (RFC 8555 §6.1): who asks is known by a key, not by a cookie.
func (x *exchange) allowOrigins() {
	x.Header().Set("Access-Control-Allow-Origin", "*")
	x.Header().Set("Access-Control-Expose-Headers", "Link, Replay-Nonce, Location, Retry-After")
}

// isPreflight reports whether a browser asks if it may send a request: it does before
// each POST, whose media type is not one that a form could send (Fetch §3.3).
func (x *exchange) isPreflight() bool {
	return x.r.Method == http.MethodOptions && x.r.Header.Get("Access-Control-Request-Method") != ""
}

func (x *exchange) preflight(r *route) {
	h := x.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(r.methods(), ", "))
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Set("Access-Control-Max-Age", strconv.Itoa(int(preflightLifetime.Seconds())))
	x.write(http.StatusNoContent, "", nil)
}
