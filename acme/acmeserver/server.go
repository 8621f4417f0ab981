package acmeserver

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"stepca/acme"
	"stepca/issue"
	"stepca/provisioner"
	"stepca/revocation"
)

// Config is what a Server is made of. All but RequestID is required.
type Config struct {
	Issuer       *issue.Issuer
	Provisioners *provisioner.Collection
	Revocation   *revocation.Service
	Validator    acme.Validator

	// Hosts are the names under which clients know the CA, without ports. A
	// request without a Host gets links with the first, and Port unless that is ""
	// or 443.
	Hosts []string
	Port  string

	// RequestID returns the ID of a request, for records and logs; nil for none.
	RequestID func(context.Context) string
}

// A Server answers ACME requests. It is immutable.
type Server struct {
	*Backend
	cfg Config
}

// New makes a Server for a configuration.
func New(backend *Backend, cfg Config) *Server {
	if cfg.RequestID == nil {
		cfg.RequestID = func(context.Context) string { return "" }
	}
	return &Server{Backend: backend, cfg: cfg}
}

// Prefixes are the paths that a Server answers below. They mean the same; links
// have the first.
var Prefixes = [...]string{"/acme/", "/2.0/acme/"}

// splitPath splits an escaped path into the provisioner's name, escaped yet, and what
// comes after it; both are "" if the path is not below one of Prefixes.
func splitPath(escaped string) (name, rest string) {
	for _, prefix := range Prefixes {
		if below, ok := strings.CutPrefix(escaped, prefix); ok {
			name, rest, _ = strings.Cut(below, "/")
		}
	}
	return name, rest
}

// ServeHTTP answers a request below one of Prefixes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest := splitPath(r.URL.EscapedPath())
	route, args := findRoute(rest)
	if route == nil {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	x := &exchange{w: w, s: s, r: r, args: args}
	x.allowOrigins()
	switch {
	case x.isPreflight():
		x.preflight(route)
	case !slices.Contains(route.methods(), r.Method):
		x.methodNotAllowed(route)
	case x.findProvisioner(name):
		if err := x.answer(route); err != nil {
			x.fail(err)
		}
	}
	x.send()
}
