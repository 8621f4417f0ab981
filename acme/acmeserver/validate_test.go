package acmeserver_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/acme"
)

// firstChallenge returns the first challenge of the first authorization.
func (c *client) firstChallenge(order map[string]any) (authz, challenge string) {
	c.t.Helper()
	authz = order["authorizations"].([]any)[0].(string)
	body := c.post(authz, nil).want(http.StatusOK).json()
	return authz, body["challenges"].([]any)[0].(map[string]any)["url"].(string)
}

func TestFailedChallengeEndsTheOrder(t *testing.T) {
	t.Parallel()
	v := &validator{validate: func(*acme.Validation) (*acme.Attestation, error) {
		return nil, acme.NewProblem(acme.ProblemIncorrectResponse, "the file holds something else")
	}}
	c := newCA(t, v, nil)
	cl := newClient(t, c).register()
	u, order := cl.order("a.example")
	authz, challenge := cl.firstChallenge(order)
	r := cl.post(challenge, map[string]any{}).want(http.StatusOK)
	got := r.json()
	if got["status"] != "invalid" || got["error"].(map[string]any)["type"] != acme.ProblemPrefix+"incorrectResponse" {
		t.Errorf("challenge: %s", r.body)
	}
	if links := r.header.Values("Link"); len(links) != 2 || links[1] != "<"+authz+`>;rel="up"` || r.header.Get("Location") != challenge {
		t.Errorf("header: %v", r.header)
	}
	if got := cl.post(authz, nil).json(); got["status"] != "invalid" {
		t.Errorf("authorization: %v, want it invalid", got)
	}
	if got := cl.post(u, nil).json(); got["status"] != "invalid" || got["error"] == nil {
		t.Errorf("order: %v, want it invalid and why", got)
	}
	cl.post(challenge, map[string]any{}).want(http.StatusOK)
	if len(v.seen) != 1 {
		t.Errorf("%d attempts at a challenge that failed for good, want 1", len(v.seen))
	}
	cl.post(challenge, []byte("x")).problem(400, "malformed")
}

func TestTemporaryFailureIsRetried(t *testing.T) {
	t.Parallel()
	attempts := 0
	v := &validator{validate: func(*acme.Validation) (*acme.Attestation, error) {
		if attempts++; attempts < 3 {
			return nil, acme.NewProblem(acme.ProblemConnection, "refused")
		}
		return nil, nil
	}}
	c := newCA(t, v, nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz, challenge := cl.firstChallenge(order)
	r := cl.post(challenge, nil).want(http.StatusOK)
	if got := r.json(); got["status"] != "processing" || r.header.Get("Retry-After") == "" {
		t.Errorf("challenge after a refused connection: %s %v, want processing and Retry-After", r.body, r.header)
	}
	if got := cl.post(authz, nil).json(); got["status"] != "pending" {
		t.Errorf("authorization meanwhile: %v", got)
	}
	// The client asks again, which makes the next attempt come at once.
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if got := cl.post(challenge, nil).want(http.StatusOK).json(); got["status"] == "valid" {
			if got["error"] != nil {
				t.Errorf("valid challenge has an error: %v", got)
			}
			return
		}
	}
	t.Error("the challenge did not become valid")
}

func TestSlowValidationDoesNotHoldTheAnswer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c := newCA(t, blocking{release}, nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	authz, challenge := cl.firstChallenge(order)
	if got := cl.post(challenge, nil).want(http.StatusOK).json(); got["status"] != "processing" {
		t.Errorf("challenge: %v, want it processing", got)
	}
	r := cl.post(authz, nil)
	if got := r.json(); got["status"] != "pending" || r.header.Get("Retry-After") == "" {
		t.Errorf("authorization: %v %v, want it pending, with Retry-After", got, r.header)
	}
	close(release)
	cl.becomesValid(authz)
}

// TestOnlyStatementsAreKept answers a challenge that has no use for the answer, with a
// large one: validations wait for strangers, many at a time.
func TestOnlyStatementsAreKept(t *testing.T) {
	t.Parallel()
	v := new(validator)
	cl := newClient(t, newCA(t, v, nil)).register()
	_, order := cl.order("a.example")
	_, challenge := cl.firstChallenge(order)
	cl.post(challenge, map[string]any{"x": strings.Repeat("x", 60_000)}).want(http.StatusOK)
	if v.seen[0].Payload != nil {
		t.Errorf("%d octets kept", len(v.seen[0].Payload))
	}
}

func TestConcurrentFinalizeIssuesOnce(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	_, order := cl.order("a.example")
	cl.prove(order)
	var mu sync.Mutex
	certificates := map[any]int{}
	var group sync.WaitGroup
	for range 8 {
		one := newClient(t, c)
		one.key, one.kid = cl.key, cl.kid
		group.Go(func() {
			r := one.post(order["finalize"].(string), map[string]any{"csr": csr(t, newKey(t), "a.example")})
			mu.Lock()
			defer mu.Unlock()
			certificates[r.json()["certificate"]]++
		})
	}
	group.Wait()
	if len(certificates) != 1 || certificates[nil] != 0 {
		t.Errorf("certificates of parallel requests: %v, want one", certificates)
	}
}

func TestManyOrdersAtOnce(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	manyOrders(t, newClient(t, c).register(), []string{c.URL})
}

// manyOrders has 100 orders of one account go all the way at once, over several
// servers by turns.
func manyOrders(t *testing.T, cl *client, servers []string) {
	t.Helper()
	var group sync.WaitGroup
	serials := make(chan string, 100)
	for i := range 100 {
		one := newClient(t, cl.ca)
		one.http, one.key, one.kid = cl.http, cl.key, cl.kid
		one.base = servers[i%len(servers)] + "/acme/acme/"
		one.kid = strings.Replace(cl.kid, cl.base, one.base, 1)
		group.Go(func() {
			crt, _, _ := one.issue("a.example")
			serials <- crt.SerialNumber.String()
		})
	}
	group.Wait()
	close(serials)
	distinct := map[string]bool{}
	for s := range serials {
		distinct[s] = true
	}
	if len(distinct) != 100 {
		t.Errorf("%d certificates, want 100", len(distinct))
	}
}

func TestRenewalInfo(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), nil)
	cl := newClient(t, c).register()
	crt, _, _ := cl.issue("a.example")
	u := cl.base + "renewal-info/" + acme.CertID(crt)
	r := cl.send(http.MethodGet, u).want(http.StatusOK)
	var info struct{ SuggestedWindow acme.Window }
	if err := json.Unmarshal(r.body, &info); err != nil {
		t.Fatal(err)
	}
	w := info.SuggestedWindow
	if !w.End.After(w.Start) || w.Start.Before(crt.NotBefore) || w.End.After(crt.NotAfter) || r.header.Get("Retry-After") != "21600" {
		t.Errorf("renewal information %s, Retry-After %s", r.body, r.header.Get("Retry-After"))
	}
	for _, id := range []string{"x", "x.y.z", acme.CertID(crt) + "=", acme.CertID(c.Root)} {
		r := cl.send(http.MethodGet, cl.base+"renewal-info/"+id)
		if r.status != http.StatusBadRequest && r.status != http.StatusNotFound {
			t.Errorf("renewal information of %q: %d", id, r.status)
		}
	}

	replacing := func(cl *client, names ...string) *reply {
		return cl.post(cl.base+"new-order", map[string]any{"identifiers": ids(names...), "replaces": acme.CertID(crt)})
	}
	replacing(newClient(t, c).register(), "a.example").problem(403, "unauthorized")
	replacing(cl, "b.example").problem(400, "malformed")
	r = replacing(cl, "a.example").want(http.StatusCreated)
	if r.json()["replaces"] != acme.CertID(crt) {
		t.Errorf("order: %s, want replaces in it", r.body)
	}
	replacing(cl, "a.example").problem(409, "alreadyReplaced")
	cl.post(r.json()["authorizations"].([]any)[0].(string), map[string]any{"status": "deactivated"}).want(http.StatusOK)
	replacing(cl, "a.example").want(http.StatusCreated) // the other order is invalid

	cl.post(cl.base+"revoke-cert", revocationOf(crt, nil)).want(http.StatusOK)
	r = cl.send(http.MethodGet, u).want(http.StatusOK)
	if err := json.Unmarshal(r.body, &info); err != nil || info.SuggestedWindow.End.After(time.Now()) {
		t.Errorf("renewal information of a revoked certificate: %s, want a window in the past", r.body)
	}
}

func TestOperatorPullsRenewalForward(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Second)
	hour := map[string]any{"issuedBefore": now.Add(time.Hour), "explanationURL": "https://status.example/1"}
	soon := map[string]any{"issuedBefore": now.Add(time.Hour), "start": now.Add(time.Minute), "end": now.Add(time.Hour)}
	late := map[string]any{"issuedBefore": now.Add(time.Hour), "start": now, "end": now.Add(1000 * time.Hour)}
	for _, test := range []struct {
		name         string
		window       map[string]any
		want         string // beginning of the answer
		end, endLast time.Time
	}{
		{"at once", hour, `"explanationURL":"https://status.example/1"`, now.Add(-2 * time.Hour), now},
		{"within an hour", soon, `"start":"` + now.Add(time.Minute).Format(time.RFC3339), now.Add(time.Hour), now.Add(time.Hour)},
		{"never later than it would have been", late, "", now.Add(2 * time.Hour), now.Add(24 * time.Hour)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newCA(t, new(validator), func(p map[string]any) { p["renewalWindows"] = []any{test.window} })
			cl := newClient(t, c).register()
			crt, _, _ := cl.issue("a.example")
			r := cl.send(http.MethodGet, cl.base+"renewal-info/"+acme.CertID(crt)).want(http.StatusOK)
			var info struct{ SuggestedWindow acme.Window }
			if err := json.Unmarshal(r.body, &info); err != nil {
				t.Fatal(err)
			}
			w := info.SuggestedWindow
			if !strings.Contains(string(r.body), test.want) || w.End.Before(test.end) || w.End.After(test.endLast) || !w.End.After(w.Start) {
				t.Errorf("renewal information %s, want an end from %v to %v and %s", r.body, test.end, test.endLast, test.want)
			}
		})
	}
}

func TestOnlyListedDevices(t *testing.T) {
	t.Parallel()
	c := newCA(t, new(validator), func(p map[string]any) {
		p["challenges"], p["devices"] = []any{"device-attest-01"}, []any{"SN-1"}
	})
	cl := newClient(t, c).register()
	cl.order("permanent-identifier=SN-1")
	r := cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("permanent-identifier=SN-2")}).problem(400, "rejectedIdentifier")
	if !strings.Contains(string(r.body), "does not list this device") {
		t.Errorf("problem %s, want one that says why", r.body)
	}
}

func TestAttestedKeyIsBound(t *testing.T) {
	t.Parallel()
	attested := newKey(t)
	fingerprint, err := acme.KeyFingerprint(attested.Public())
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{validate: func(what *acme.Validation) (*acme.Attestation, error) {
		if string(what.Payload) != `{"attObj":"x"}` || !what.AcceptsFormat("tpm") || !what.RequirePermanentIdentifier {
			return nil, errors.New("not what was sent")
		}
		return &acme.Attestation{Format: "tpm", KeyFingerprint: fingerprint}, nil
	}}
	c := newCA(t, v, func(p map[string]any) {
		p["challenges"], p["requirePermanentIdentifier"] = []any{"device-attest-01"}, true
	})
	cl := newClient(t, c).register()
	cl.post(cl.base+"new-order", map[string]any{"identifiers": ids("permanent-identifier=1", "a.example")}).problem(400, "malformed")
	_, order := cl.order("permanent-identifier=SN-1")
	_, challenge := cl.firstChallenge(order)
	if got := cl.post(challenge, []byte(`{"attObj":"x"}`)).want(http.StatusOK).json(); got["status"] != "valid" {
		t.Fatalf("challenge: %v", got)
	}
	finalize := order["finalize"].(string)
	cl.post(finalize, map[string]any{"csr": csr(t, newKey(t))}).problem(401, "unauthorized")
	done := cl.post(finalize, map[string]any{"csr": csr(t, attested)}).want(http.StatusOK).json()
	if done["status"] != "valid" {
		t.Errorf("order: %v", done)
	}
}
