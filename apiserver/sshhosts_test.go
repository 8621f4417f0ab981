package apiserver_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// TestSSHHostsPages reads the list of hosts whole, as clients of the reference
// do, and page by page.
func TestSSHHostsPages(t *testing.T) {
	t.Parallel()
	c := catest.New(t, catest.Options{SSH: true})
	hc := c.HTTP(nil)
	if status, body := c.Get(hc, "/ssh/hosts"); status != http.StatusOK || string(body) != `{"hosts":[]}`+"\n" {
		t.Errorf("no hosts: %d %s", status, body)
	}
	want := []string{"10.0.0.1", "a.example.com", "b.example.com", "c.example.com", "d.example.com"}
	signSSH(t, c, "x", map[string]any{"certType": "host", "principals": []string{"B.example.com", "a.example.com", "d.example.com"}}, nil)
	signSSH(t, c, "x", map[string]any{"certType": "host", "principals": []string{"c.example.com", "b.example.com", "10.0.0.1"}}, nil)
	signSSH(t, c, "joe", nil, nil)
	type page struct {
		Hosts []struct {
			Hostname string `json:"hostname"`
		} `json:"hosts"`
		NextCursor string `json:"nextCursor"`
	}
	read := func(query string) (names []string, p page) {
		t.Helper()
		status, body := c.Get(hc, "/1.0/ssh/hosts"+query)
		if err := json.Unmarshal(body, &p); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, body)
		}
		if strings.Contains(string(body), "nextCursor") != (p.NextCursor != "") {
			t.Errorf("an empty cursor is spelled out: %s", body)
		}
		for _, h := range p.Hosts {
			names = append(names, h.Hostname)
		}
		return names, p
	}
	for _, query := range []string{"", "?limit=5", "?limit=-1", "?limit=100000000"} {
		if got, p := read(query); !slices.Equal(got, want) || p.NextCursor != "" {
			t.Errorf("%s: %q, next %q", query, got, p.NextCursor)
		}
	}
	var all []string
	for cursor, pages := "", 0; ; pages++ {
		names, p := read("?limit=2&cursor=" + url.QueryEscape(cursor))
		all = append(all, names...)
		if cursor = p.NextCursor; cursor == "" {
			if pages != 2 {
				t.Errorf("%d pages before the last", pages)
			}
			break
		}
	}
	if !slices.Equal(all, want) {
		t.Errorf("page by page %q", all)
	}
	for query, reason := range map[string]string{"?limit=two": "limit 'two' is not an integer", "?cursor=!": "invalid cursor"} {
		status, body := c.Get(hc, "/ssh/hosts"+query)
		if want := refusal(400, "The request could not be completed: "+reason+".") + "\n"; status != http.StatusBadRequest || string(body) != want {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}
