package acmeserver_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	xacme "golang.org/x/crypto/acme"

	"stepca/acme"
)

func TestDirectoryIsTheReferences(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) {
		p["website"], p["caaIdentities"] = "https://ca.example", []any{"CA.example"}
	})
	cl := newClient(t, c)
	for _, prefix := range []string{"/acme/", "/2.0/acme/"} {
		r := cl.send(http.MethodGet, c.URL+prefix+"acme/directory").want(http.StatusOK)
		u := c.URL + "/acme/acme/"
		want := `{"newNonce":"` + u + `new-nonce","newAccount":"` + u + `new-account","newOrder":"` + u + `new-order","newAuthz":"` + u + `new-authz","revokeCert":"` + u +
			`revoke-cert","keyChange":"` + u + `key-change","renewalInfo":"` + u +
			`renewal-info","meta":{"website":"https://ca.example","caaIdentities":["CA.example"]}}`
		if string(r.body) != want {
			t.Errorf("directory = %s\nwant %s", r.body, want)
		}
		if r.header.Get("Replay-Nonce") != "" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("header of the directory: %v", r.header)
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c)
	cl.send(http.MethodHead, cl.base+"new-nonce").want(http.StatusOK)
	r := cl.send(http.MethodGet, cl.base+"new-nonce").want(http.StatusNoContent)
	if r.header.Get("Cache-Control") != "no-store" || len(r.header.Get("Replay-Nonce")) != 43 ||
		r.header.Get("Link") != "<"+cl.base+`directory>;rel="index"` {
		t.Errorf("header of new-nonce: %v", r.header)
	}
	r = cl.send(http.MethodGet, cl.base+"new-order").problem(http.StatusMethodNotAllowed, "malformed")
	if r.header.Get("Allow") != http.MethodPost {
		t.Errorf("Allow = %q", r.header.Get("Allow"))
	}
	for _, path := range []string{"/acme/acme/", "/acme/acme/directory/", "/acme/acme/order/", "/acme/", "/1.0/acme/acme/directory"} {
		cl.send(http.MethodGet, c.URL+path).want(http.StatusNotFound)
	}
	r = cl.send(http.MethodGet, c.URL+"/acme/Acme/directory").want(http.StatusNotFound)
	if r.json()["type"] != "notFound" || r.json()["message"] != "provisioner Acme not found" {
		t.Errorf("unknown provisioner: %s", r.body)
	}
	cl.send(http.MethodGet, c.URL+"/acme/admin/directory").problem(http.StatusUnauthorized, "unauthorized")
}

func TestFlow(t *testing.T) {
	t.Parallel()
	v := new(validator)
	c := newCA(t, v, nil)
	cl := newClient(t, c).register()
	u, order := cl.order("a.example", "*.a.example", "ip=127.0.0.1", "A.EXAMPLE")
	if order["status"] != "pending" || len(order["authorizations"].([]any)) != 3 || !strings.HasSuffix(u, "/"+order["id"].(string)) {
		t.Fatalf("new order: %v", order)
	}
	cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")}).problem(http.StatusForbidden, "orderNotReady")
	wild := cl.post(order["authorizations"].([]any)[1].(string), nil).want(http.StatusOK).json()
	if wild["wildcard"] != true || wild["identifier"].(map[string]any)["value"] != "a.example" || len(wild["challenges"].([]any)) != 1 {
		t.Errorf("wildcard authorization: %v", wild)
	}
	cl.prove(order)
	if got := cl.post(u, nil).want(http.StatusOK).json(); got["status"] != "ready" {
		t.Errorf("order after its challenges: %v", got)
	}
	key := newKey(t)
	names := encodeCSR(t, key, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "A.example"}, DNSNames: []string{"*.a.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	cl.post(order["finalize"].(string), map[string]any{"csr": csr(t, key, "a.example", "evil.example")}).problem(http.StatusBadRequest, "badCSR")
	cl.post(order["finalize"].(string), map[string]any{"csr": "%"}).problem(http.StatusBadRequest, "malformed")
	done := cl.post(order["finalize"].(string), map[string]any{"csr": names}).want(http.StatusOK).json()
	if done["status"] != "valid" {
		t.Fatalf("finalized order: %v", done)
	}
	again := cl.post(order["finalize"].(string), map[string]any{"csr": names}).want(http.StatusOK).json()
	if again["certificate"] != done["certificate"] {
		t.Errorf("finalized again: %v, want the same certificate", again)
	}
	r := cl.post(done["certificate"].(string), nil).want(http.StatusOK)
	chain := parseChain(t, r.body)
	leaf := chain[0]
	if r.header.Get("Content-Type") != "application/pem-certificate-chain" || len(chain) != 2 || leaf.CheckSignatureFrom(chain[1]) != nil {
		t.Errorf("certificate answer: %v, %d certificates", r.header, len(chain))
	}
	if leaf.Subject.CommonName != "A.example" || strings.Join(leaf.DNSNames, " ") != "*.a.example a.example" || leaf.IPAddresses[0].String() != "127.0.0.1" {
		t.Errorf("leaf: subject %v, names %v %v", leaf.Subject, leaf.DNSNames, leaf.IPAddresses)
	}
	if got := leaf.NotAfter.Format("2006-01-02T15:04:05Z"); got != done["notAfter"] {
		t.Errorf("leaf until %s, order says %s", got, done["notAfter"])
	}
	if len(v.seen) != 3 || !strings.HasPrefix(v.seen[0].KeyAuthorization, v.seen[0].Token+".") || v.seen[0].AccountURL != cl.kid {
		t.Errorf("validations: %+v", v.seen)
	}
	if v.seen[1].Type != acme.DNS01 || !v.seen[1].Wildcard || v.seen[2].Type != acme.HTTP01 {
		t.Errorf("validations: %+v", v.seen)
	}
}

// TestGoClient lets the client of golang.org/x/crypto go the way.
func TestGoClient(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := &xacme.Client{Key: newKey(t), HTTPClient: c.HTTP(nil), DirectoryURL: c.URL + "/acme/acme/directory"}
	ctx := t.Context()
	if _, err := cl.Register(ctx, &xacme.Account{Contact: []string{"mailto:admin@a.example"}}, xacme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	order, err := cl.AuthorizeOrder(ctx, xacme.DomainIDs("b.example"))
	if err != nil {
		t.Fatal(err)
	}
	authz, err := cl.GetAuthorization(ctx, order.AuthzURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Accept(ctx, authz.Challenges[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.WaitAuthorization(ctx, authz.URI); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{DNSNames: []string{"b.example"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	chain, _, err := cl.CreateOrderCert(ctx, order.FinalizeURL, der, true)
	if err != nil || len(chain) != 2 {
		t.Fatalf("CreateOrderCert: %d certificates, %v", len(chain), err)
	}
	if err := cl.AccountKeyRollover(ctx, newKey(t)); err != nil {
		t.Errorf("AccountKeyRollover: %v", err)
	}
	if err := cl.RevokeCert(ctx, nil, chain[0], xacme.CRLReasonSuperseded); err != nil {
		t.Errorf("RevokeCert: %v", err)
	}
	if err := cl.DeactivateReg(ctx); err != nil {
		t.Errorf("DeactivateReg: %v", err)
	}
}

func TestRefusedIdentifiers(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) {
		p["challenges"] = []any{"http-01"}
		p["policy"] = map[string]any{"x509": map[string]any{"allow": map[string]any{"dns": []any{"*.ok.example"}}, "allowWildcardNames": true}}
	})
	cl := newClient(t, c).register()
	for _, tt := range []struct {
		names  []string
		typ    string
		status int
	}{
		{[]string{"a.bad.example"}, "rejectedIdentifier", 400},
		{[]string{"a.ok.example", "b.bad.example", "c.bad.example"}, "rejectedIdentifier", 400},
		{[]string{"*.ok.example"}, "rejectedIdentifier", 400}, // no challenge for it
		{[]string{"a.ok.example."}, "malformed", 400},
		{[]string{"1.2.3.4"}, "malformed", 400},
		{[]string{"a_b.ok.example"}, "malformed", 400},
		{[]string{"-a.example"}, "malformed", 400},
		{[]string{"a.*.example"}, "malformed", 400},
		{[]string{"*"}, "malformed", 400},
		{[]string{""}, "malformed", 400},
		{[]string{"ip=1.2.3"}, "malformed", 400},
		{[]string{"ip=fe80::1%eth0"}, "malformed", 400},
		{[]string{"DNS=a.ok.example"}, "unsupportedIdentifier", 400},
		{[]string{"a.ok.example.", "email=x"}, "compound", 400},
		{nil, "malformed", 400},
	} {
		r := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(tt.names...)}).problem(tt.status, tt.typ)
		p := new(acme.Problem)
		if err := json.Unmarshal(r.body, p); err != nil {
			t.Fatal(err)
		}
		if tt.names != nil && len(p.Subproblems) == 0 {
			t.Errorf("%v: %s, want a subproblem for each identifier", tt.names, r.body)
		}
	}
	_, order := cl.order("xn--bcher-kva.ok.example", "bücher.ok.example")
	if got := order["identifiers"].([]any); len(got) != 1 {
		t.Errorf("one name in two spellings: %v, want one identifier", got)
	}
}
