package acmeserver

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stepca/acme"
)

func (x *exchange) methodNotAllowed(r *route) {
	for _, m := range r.methods() {
		x.Header().Add("Allow", m)
	}
	x.problem(malformed("the method %s is not allowed here; use %s", x.r.Method, strings.Join(r.methods(), " or ")).
		WithStatus(http.StatusMethodNotAllowed))
}

// write writes a JSON body.
func (x *exchange) write(status int, contentType string, body any) {
	data, err := json.Marshal(body)
	if err != nil { // our own structs always have one
		panic(fmt.Sprintf("encoding %T: %v", body, err))
	}
	x.Header().Set("Content-Type", contentType)
	x.Header().Set("Content-Length", strconv.Itoa(len(data)))
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.ResponseWriter.Write(data)
	}
}

func (x *exchange) writeJSON(status int, body any) { x.write(status, "application/json", body) }

func (x *exchange) problem(p *acme.Problem) {
	if p.RetryAfter > 0 {
		x.retryAfter(p.RetryAfter)
	}
	x.write(p.Status, "application/problem+json", p)
}

// retryAfter tells the client when to ask again, in whole seconds and at least one.
func (x *exchange) retryAfter(d time.Duration) {
	x.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}

// fail logs an error and answers with its problem.
func (x *exchange) fail(err error) {
	p := problemOf(err)
	log := x.s.log.Info
	if p.Status >= http.StatusInternalServerError && x.r.Context().Err() == nil { // else the client went away
		log = x.s.log.Error
	}
	account := ""
	if x.account != nil {
		account = x.account.ID
	}
	log("ACME request refused", "request-id", x.requestID(), "provisioner", x.ref, "path", x.r.URL.Path,
		"account", account, "type", p.Type, "error", err)
	x.problem(p)
}
