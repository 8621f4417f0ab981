package acmeserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHostilePayloads sends JSON that no client has in mind to each resource that
// reads some.
func TestHostilePayloads(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz, challenge := cl.firstChallenge(order)
	fresh := func(t *testing.T) *client { return newClient(t, c) }
	deep := func(n int) string { return strings.Repeat(`{"a":[`, n) + strings.Repeat("]}", n) }
	general := []string{"", "null", "[]", "{}{}", `"x"`, "7", "true", "{", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", "\x00", deep(5001), `{"a":1,"a":2}`}
	for name, tt := range map[string]struct {
		url      string
		own      []string
		fine     string // of the general ones
		fromAcct bool
	}{
		"newAccount": {cl.base + "new-account", []string{`{"contact":"x"}`, `{"contact":[7]}`, `{"contact":{}}`, `{"onlyReturnExisting":"yes"}`,
			`{"onlyReturnExisting":1}`, `{"termsOfServiceAgreed":"true"}`, `{"contact":[null]}`, `{"contact":[],"contact":[]}`}, "", false},
		"account":    {cl.kid, []string{`{"contact":"x"}`, `{"contact":[[]]}`, `{"status":7}`, `{"status":["deactivated"]}`}, "", true},
		"newOrder":   {cl.base + "new-order", []string{`{"identifiers":{}}`, `{"identifiers":[]}`, `{"identifiers":null}`, `{"identifiers":["a"]}`, `{"identifiers":[{"type":7,"value":"a"}]}`, `{"identifiers":[{"type":"dns","value":7}]}`, `{"Identifiers":[{"type":"dns","value":"a.example"}]}`, `{"identifiers":[{"type":"dns","value":"a.example","value":"b.example"}]}`, orderPayload[:len(orderPayload)-1] + `,"notBefore":7}`, orderPayload[:len(orderPayload)-1] + `,"replaces":7}`}, "", true},
		"finalize":   {order["finalize"].(string), []string{"{}", `{"csr":7}`, `{"csr":null}`, `{"csr":["x"]}`, `{"csr":"AAAA","csr":"AAAA"}`}, "", true},
		"authz":      {authz, []string{"{}", `{"status":"valid"}`, `{"status":"pending"}`, `{"status":7}`, `{"status":"Deactivated"}`}, "", true},
		"challenge":  {challenge, []string{}, "", true},
		"newAuthz":   {cl.base + "new-authz", []string{"{}", `{"identifier":null}`, `{"identifier":[]}`, `{"identifier":{"type":"dns"}}`, `{"identifier":{"type":"dns","value":7}}`, `{"identifiers":[]}`}, "", true},
		"revokeCert": {cl.base + "revoke-cert", []string{"{}", `{"certificate":7}`, `{"certificate":null}`, `{"certificate":[]}`}, "", true},
		"keyChange":  {cl.base + "key-change", []string{"{}", `{"protected":"","payload":"","signature":""}`, `{"protected":7}`}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for i, payload := range append(general[:len(general):len(general)], tt.own...) {
				one := cl.in(t)
				if !tt.fromAcct {
					one = fresh(t)
				}
				if payload == "" && name != "newAccount" && name != "newOrder" {
					continue // POST-as-GET, or tested below
				}
				start := time.Now()
				r := one.post(tt.url, []byte(payload))
				if r.status != http.StatusBadRequest && !(name == "finalize" && r.status == http.StatusForbidden) {
					t.Errorf("payload %d %.60q: %d %s", i, payload, r.status, r.body)
				} else if name == "finalize" {
					r.problemOneOf("malformed", "badCSR", "orderNotReady")
				} else {
					r.problem(400, "malformed")
				}
				if took := time.Since(start); took > 20*time.Second {
					t.Errorf("payload %d %.60q took %v", i, payload, took)
				}
			}
		})
	}
	if got := cl.post(challenge, map[string]any{}).want(http.StatusOK).json(); got["status"] != "valid" {
		t.Errorf("challenge after garbage was sent to it: %v, want the attempt to be its first", got)
	}
	for _, u := range []string{order["finalize"].(string), cl.base + "revoke-cert", cl.base + "key-change"} {
		cl.post(u, nil).problem(400, "malformed")
	}
	for _, u := range []string{cl.kid + "/orders", cl.base + "order/" + order["id"].(string), cl.base + "certificate/x"} {
		cl.post(u, []byte("{}")).problem(400, "malformed") // not POST-as-GET
	}
	for _, cursor := range []string{"%00", "x", "..", "AAAA", strings.Repeat("A", 8000), "%ff%fe", "=", "%0a"} {
		if r := cl.post(cl.kid+"/orders?cursor="+cursor, nil); r.status != http.StatusBadRequest && r.status != http.StatusOK {
			t.Errorf("orders from cursor %.20q: %d %s", cursor, r.status, r.body)
		}
	}
}

// problemOneOf fails unless the answer is a problem of one of the types.
func (r *reply) problemOneOf(types ...string) {
	r.t.Helper()
	typ, _ := r.json()["type"].(string)
	for _, want := range types {
		if strings.HasSuffix(typ, ":"+want) {
			return
		}
	}
	r.t.Errorf("answer %d %s, want a problem of type %v", r.status, r.body, types)
}

// TestIgnoredMembers has members that are the server's to set, and unknown ones.
func TestIgnoredMembers(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c)
	r := cl.post(cl.base+"new-account", []byte(`{"status":"revoked","orders":"https://evil.example/","key":7,"unknown":{"a":[]},"CONTACT":["x"]}`)).want(http.StatusCreated)
	cl.kid = r.header.Get("Location")
	if got := r.json(); got["status"] != "valid" || got["orders"] != cl.kid+"/orders" || got["contact"] != nil {
		t.Errorf("account: %s", r.body)
	}
	r = cl.post(cl.kid, []byte(`{"orders":"https://evil.example/","termsOfServiceAgreed":false,"status":"revoked","unknown":1}`)).want(http.StatusOK)
	if got := r.json(); got["status"] != "valid" || got["orders"] != cl.kid+"/orders" {
		t.Errorf("account: %s", r.body)
	}
	r = cl.post(cl.base+"new-order", []byte(`{"identifiers":[{"type":"dns","value":"a.example","x":1}],"status":"valid","finalize":"x","authorizations":[],"certificate":"x","error":{},"expires":"x"}`)).want(http.StatusCreated)
	if got := r.json(); got["status"] != "pending" || got["certificate"] != nil || len(got["authorizations"].([]any)) != 1 {
		t.Errorf("order: %s", r.body)
	}
	_, challenge := cl.firstChallenge(r.json())
	if got := cl.post(challenge, []byte(`{"type":"x","status":"invalid","token":"x","keyAuthorization":"x"}`)).want(http.StatusOK).json(); got["status"] != "valid" {
		t.Errorf("challenge: %v", got)
	}
}

func TestHostileContacts(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c)
	u := cl.base + "new-account"
	for contact, typ := range map[string]string{
		"mailto:":                                           "invalidContact",
		"mailto:a@x.example\r\nBcc: b@x.example":            "invalidContact",
		"mailto:a@x.example%0d%0aBcc:b":                     "invalidContact",
		"mailto:a%00@x.example":                             "invalidContact",
		"mailto:a@x.example%2cb@x.example":                  "invalidContact",
		"mailto:%22a%22%20%3cb@x.example%3e":                "invalidContact",
		"mailto:a@x.example#x":                              "invalidContact",
		"mailto://a@x.example":                              "invalidContact",
		"mailto:" + strings.Repeat("a", 400) + "@x.example": "invalidContact",
		"javascript:alert(1)":                               "unsupportedContact",
		"https://x.example/":                                "unsupportedContact",
		"MAILTO:nobody":                                     "invalidContact",
		"%":                                                 "invalidContact",
	} {
		cl.post(u, map[string]any{"contact": []string{contact}}).problem(400, typ)
	}
	cl.post(u, map[string]any{"contact": strings.Split(strings.Repeat("mailto:a@x.example ", 11), " ")[:11]}).problem(400, "invalidContact")
	cl.post(u, map[string]any{"onlyReturnExisting": true}).problem(400, "accountDoesNotExist")
}
