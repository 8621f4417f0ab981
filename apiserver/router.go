package apiserver

import (
	"net/http"
	"strings"

	"stepca/api"
)

// An endpoint handles one route. An error it returns is written by the caller.
type endpoint func(x *exchange) error

// A route is the endpoint of a path. The server's own router is used in place of
// net/http's because that one redirects paths with double slashes and decodes
// escapes, where clients of this API expect 404 and the raw segment.
type route struct {
	method  string // GET (HEAD included) or POST
	handler endpoint
}

// routes finds endpoints by path.
type routes struct {
	exact    map[string]route
	variable []variableRoute
}

// A variableRoute has one variable segment, between before and after.
type variableRoute struct {
	before, after string
	route
}

// handle adds a route. A "*" in the path stands for one variable segment.
func (t *routes) handle(method, path string, h endpoint) {
	if before, after, ok := strings.Cut(path, "*"); ok {
		t.variable = append(t.variable, variableRoute{before, after, route{method, h}})
		return
	}
	if t.exact == nil {
		t.exact = make(map[string]route)
	}
	t.exact[path] = route{method, h}
}

// find returns the route of a path, with or without the prefix, and the variable
// segment.
func (t *routes) find(path string) (_ route, param string, ok bool) {
	if rest, found := strings.CutPrefix(path, api.Prefix); found && strings.HasPrefix(rest, "/") {
		path = rest
	}
	if r, ok := t.exact[path]; ok {
		return r, "", true
	}
	for _, v := range t.variable {
		rest, ok := strings.CutPrefix(path, v.before)
		if !ok {
			continue
		}
		if param, ok := strings.CutSuffix(rest, v.after); ok && param != "" && !strings.Contains(param, "/") {
			return v.route, param, true
		}
	}
	return route{}, "", false
}

// rawPath is the path as it was sent.
func rawPath(r *http.Request) string {
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return r.URL.Path
}

// allows reports whether the route serves the method; HEAD is a GET without body.
func (r route) allows(method string) bool {
	return method == r.method || method == http.MethodHead && r.method == http.MethodGet
}
