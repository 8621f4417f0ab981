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

// Header returns the header of the answer.
func (x *exchange) Header() http.Header { return x.w.Header() }

// write sets the answer; it is sent when the request is over. An empty body has no
// type.
func (x *exchange) write(status int, contentType string, body []byte) {
	x.status, x.body = status, body
	if len(body) > 0 {
		x.Header().Set("Content-Type", contentType)
	}
}

func (x *exchange) writeJSON(status int, body any) { x.encode(status, "application/json", body) }

// encode is write of a body in JSON.
func (x *exchange) encode(status int, contentType string, body any) {
	data, err := json.Marshal(body)
	if err != nil { // our own structs always have one
		panic(fmt.Sprintf("encoding %T: %v", body, err))
	}
	x.write(status, contentType, data)
}

// takeBack removes what an answer that is not sent has in the header.
func (x *exchange) takeBack() {
	x.Header().Del("Location")
	x.Header().Del("Retry-After")
	x.Header().Set("Link", x.indexLink())
}

// send sends the answer.
func (x *exchange) send() {
	if len(x.body) > 0 {
		x.Header().Set("Content-Length", strconv.Itoa(len(x.body)))
	}
	x.w.WriteHeader(x.status)
	if x.r.Method != http.MethodHead {
		x.w.Write(x.body)
	}
}

func (x *exchange) problem(p *acme.Problem) {
	if p.RetryAfter > 0 {
		x.retryAfter(p.RetryAfter)
	}
	x.encode(p.Status, "application/problem+json", p)
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
