package acmeserver

import (
	"net/http"
	"strings"
)

// keyUse says which key signs the requests of a route (RFC 8555 §6.2).
type keyUse int

const (
	unsigned keyUse = iota // no key: GET and HEAD; the others are POST
	byJWK                  // the key is in the header: newAccount
	byKID                  // the key is an account's
	byEither               // revokeCert
)

// A route is what a path below a provisioner's name means.
type route struct {
	path string // segments; "*" stands for an ID
	key  keyUse

	// writes is set if the handler may spend the nonce in a transaction of its own;
	// otherwise it is spent before. A handler that finds nothing to store need not.
	writes  bool
	handler func(*Server, *exchange) error

	pattern []string // of path
}

// The names of resources in paths.
const (
	pathDirectory   = "directory"
	pathNewNonce    = "new-nonce"
	pathNewAccount  = "new-account"
	pathAccount     = "account"
	pathNewOrder    = "new-order"
	pathNewAuthz    = "new-authz"
	pathOrder       = "order"
	pathAuthz       = "authz"
	pathChallenge   = "challenge"
	pathCertificate = "certificate"
	pathRevokeCert  = "revoke-cert"
	pathKeyChange   = "key-change"
	pathRenewalInfo = "renewal-info"
)

// routes is the whole surface. RFC 8555 §7.1 leaves the paths to the server; these
// are the reference's.
var routes = func() []route {
	list := []route{
		{path: pathDirectory, key: unsigned, handler: (*Server).directory},
		{path: pathNewNonce, key: unsigned, handler: (*Server).newNonce},
		{path: pathNewAccount, key: byJWK, writes: true, handler: (*Server).newAccount},
		{path: pathAccount + "/*", key: byKID, writes: true, handler: (*Server).account},
		{path: pathAccount + "/*/orders", key: byKID, handler: (*Server).orders},
		{path: pathNewOrder, key: byKID, writes: true, handler: (*Server).newOrder},
		{path: pathNewAuthz, key: byKID, writes: true, handler: (*Server).newAuthorization},
		{path: pathOrder + "/*", key: byKID, handler: (*Server).order},
		{path: pathOrder + "/*/finalize", key: byKID, writes: true, handler: (*Server).finalize},
		{path: pathAuthz + "/*", key: byKID, writes: true, handler: (*Server).authorization},
		{path: pathChallenge + "/*/*", key: byKID, handler: (*Server).challenge},
		{path: pathCertificate + "/*", key: byKID, handler: (*Server).certificate},
		{path: pathCertificate + "/*/*", key: byKID, handler: (*Server).certificate},
		{path: pathRevokeCert, key: byEither, handler: (*Server).revokeCert},
		{path: pathKeyChange, key: byKID, writes: true, handler: (*Server).keyChange},
		{path: pathRenewalInfo + "/*", key: unsigned, handler: (*Server).renewalInfo},
	}
	for i := range list {
		list[i].pattern = strings.Split(list[i].path, "/")
	}
	return list
}()

// findRoute returns the route of a path and the IDs in it, or nil.
func findRoute(path string) (*route, []string) {
	segments := strings.SplitN(path, "/", maxSegments+1)
	for i := range routes {
		if args, ok := routes[i].match(segments); ok {
			return &routes[i], args
		}
	}
	return nil, nil
}

func (r *route) match(segments []string) (args []string, ok bool) {
	if len(r.pattern) != len(segments) {
		return nil, false
	}
	for i, p := range r.pattern {
		switch {
		case p == "*" && segments[i] != "":
			args = append(args, segments[i])
		case p != segments[i]:
			return nil, false
		}
	}
	return args, true
}

// methods are those that the route has (RFC 8555 §6.3).
func (r *route) methods() []string {
	if r.key == unsigned {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{http.MethodPost}
}
