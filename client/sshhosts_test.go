package client_test

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"stepca/client"
)

// TestSSHHostsOfAllPages reads a list in pages, and one without an end.
func TestSSHHostsOfAllPages(t *testing.T) {
	t.Parallel()
	f := newFakeCA(t)
	next := map[string]string{"": "one", "one": "two"}
	f.handlers.HandleFunc("GET /ssh/hosts", func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Query().Get("cursor")
		w.Write([]byte(`{"hosts":[{"hid":"","host_tags":null,"hostname":"h` + at + `"}],"nextCursor":"` + next[at] + `"}`))
	})
	c, err := client.New(t.Context(), f.URL, client.Config{Roots: []*x509.Certificate{f.root}})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := c.SSHHosts(t.Context())
	if err != nil || len(hosts) != 3 || hosts[2].Hostname != "htwo" {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	next["two"] = "two"
	if _, err := c.SSHHosts(t.Context()); err == nil || !strings.Contains(err.Error(), "does not advance") {
		t.Errorf("a list that does not advance: %v", err)
	}
}
