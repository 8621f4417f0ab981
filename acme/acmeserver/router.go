package acmeserver

import (
	"net/http"
	"slices"
	"strings"
)

// keyUse says which key signs the requests of a route (RFC 8555 §6.2).
type keyUse int

const (
	unsigned keyUse = iota // GET
	byJWK                  // the key is in the header: newAccount
	byKID                  // the key is an account's
	byEither               // revokeCert
)

// A route is what a path below a provisioner's name means.
type route struct {
	path    string // segments; "*" stands for an ID
	methods []string
	key     keyUse

	// writes is set if the handler stores something and so takes the nonce into
	// its transaction.
	writes  bool
	handler func(*Server, *exchange) error

	pattern []string // of path
}

var (
	methodsGET  = []string{http.MethodGet, http.MethodHead}
	methodsPOST = []string{http.MethodPost}
)

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
		{path: pathDirectory, methods: methodsGET, key: unsigned, handler: (*Server).directory},
		{path: pathNewNonce, methods: methodsGET, key: unsigned, handler: (*Server).newNonce},
		{path: pathNewAccount, methods: methodsPOST, key: byJWK, writes: true, handler: (*Server).newAccount},
		{path: pathAccount + "/*", methods: methodsPOST, key: byKID, writes: true, handler: (*Server).account},
		{path: pathAccount + "/*/orders", methods: methodsPOST, key: byKID, handler: (*Server).orders},
		{path: pathNewOrder, methods: methodsPOST, key: byKID, writes: true, handler: (*Server).newOrder},
		{path: pathNewAuthz, methods: methodsPOST, key: byKID, writes: true, handler: (*Server).newAuthorization},
		{path: pathOrder + "/*", methods: methodsPOST, key: byKID, handler: (*Server).order},
		{path: pathOrder + "/*/finalize", methods: methodsPOST, key: byKID, writes: true, handler: (*Server).finalize},
		{path: pathAuthz + "/*", methods: methodsPOST, key: byKID, writes: true, handler: (*Server).authorization},
		{path: pathChallenge + "/*/*", methods: methodsPOST, key: byKID, handler: (*Server).challenge},
		{path: pathCertificate + "/*", methods: methodsPOST, key: byKID, handler: (*Server).certificate},
		{path: pathCertificate + "/*/*", methods: methodsPOST, key: byKID, handler: (*Server).certificate},
		{path: pathRevokeCert, methods: methodsPOST, key: byEither, handler: (*Server).revokeCert},
		{path: pathKeyChange, methods: methodsPOST, key: byKID, writes: true, handler: (*Server).keyChange},
		{path: pathRenewalInfo + "/*", methods: methodsGET, key: unsigned, handler: (*Server).renewalInfo},
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

func (r *route) allows(method string) bool { return slices.Contains(r.methods, method) }
