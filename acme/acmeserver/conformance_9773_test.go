package acmeserver_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"stepca/acme"
)

func renewalInfoURL(cl *client, crt *x509.Certificate) string {
	return cl.base + "renewal-info/" + acme.CertID(crt)
}

// RFC 9773: renewal information.
var rfc9773 = []demand{
	{"3", "renewalInfo is in the directory", func(t *testing.T, w *world) {
		cl := w.client(t)
		if got := cl.send(http.MethodGet, cl.base+"directory").json()["renewalInfo"]; got != cl.base+"renewal-info" {
			t.Errorf("renewalInfo %v", got)
		}
	}},
	{"4.1", "GET without authentication, by key identifier and serial number", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		w.client(t).send(http.MethodGet, renewalInfoURL(cl, crt)).want(http.StatusOK)
	}},
	{"4.1", "other identifiers are refused", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		for id, status := range map[string]int{
			"x": 400, ".": 400, "AA.": 400, ".AA": 400, acme.CertID(crt) + "=": 400, acme.CertID(crt) + ".x": 400, "AA.AA": 400,
			acme.CertID(&x509.Certificate{AuthorityKeyId: crt.AuthorityKeyId, SerialNumber: w.ca.Root.SerialNumber}): 404,
			acme.CertID(&x509.Certificate{AuthorityKeyId: []byte{1, 2, 3}, SerialNumber: crt.SerialNumber}):          404,
		} {
			cl.send(http.MethodGet, cl.base+"renewal-info/"+id).problem(status, "malformed")
		}
	}},
	{"4.2", "the window ends after it starts, within the validity", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		var info struct{ SuggestedWindow acme.Window }
		r := cl.send(http.MethodGet, renewalInfoURL(cl, crt)).want(http.StatusOK)
		if err := json.Unmarshal(r.body, &info); err != nil {
			t.Fatal(err)
		}
		if win := info.SuggestedWindow; !win.End.After(win.Start) || win.Start.Before(crt.NotBefore) || win.End.After(crt.NotAfter) {
			t.Errorf("window %s", r.body)
		}
	}},
	{"4.2", "a revoked certificate is to be replaced at once", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		cl.post(cl.base+"revoke-cert", revocationOf(crt, nil)).want(http.StatusOK)
		var info struct{ SuggestedWindow acme.Window }
		r := cl.send(http.MethodGet, renewalInfoURL(cl, crt)).want(http.StatusOK)
		if err := json.Unmarshal(r.body, &info); err != nil || !info.SuggestedWindow.End.Before(time.Now()) || !info.SuggestedWindow.End.After(info.SuggestedWindow.Start) {
			t.Errorf("window %s", r.body)
		}
	}},
	{"4.3", "Retry-After", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		r := cl.send(http.MethodGet, renewalInfoURL(cl, crt)).want(http.StatusOK)
		if seconds, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || seconds < 60 || seconds > 24*3600 {
			t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
		}
	}},
	{"5", "replaces is checked, and reflected", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		replacing := func(cl *client, name, id string) *reply {
			return cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(name), "replaces": id})
		}
		replacing(w.account(t), "a.example", acme.CertID(crt)).problem(403, "unauthorized")
		replacing(cl, "b.example", acme.CertID(crt)).problem(400, "malformed")
		replacing(cl, "a.example", "x.y").problem(400, "malformed")
		unknown := acme.CertID(&x509.Certificate{AuthorityKeyId: crt.AuthorityKeyId, SerialNumber: w.ca.Root.SerialNumber})
		if got := replacing(cl, "a.example", unknown).want(http.StatusCreated).json(); got["replaces"] != unknown {
			t.Errorf("order %v", got)
		}
		r := replacing(cl, "a.example", acme.CertID(crt)).want(http.StatusCreated)
		if got := cl.post(r.header.Get("Location"), nil).json(); got["replaces"] != acme.CertID(crt) {
			t.Errorf("order %v", got)
		}
	}},
	{"5", "alreadyReplaced is 409, unless that order is invalid", func(t *testing.T, w *world) {
		cl := w.account(t)
		crt, _, _ := cl.issue("a.example")
		replacing := func() *reply {
			return cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("a.example"), "replaces": acme.CertID(crt)})
		}
		order := replacing().want(http.StatusCreated).json()
		replacing().problem(http.StatusConflict, "alreadyReplaced")
		cl.post(order["authorizations"].([]any)[0].(string), map[string]any{"status": "deactivated"}).want(http.StatusOK)
		replacing().want(http.StatusCreated)
	}},
}
