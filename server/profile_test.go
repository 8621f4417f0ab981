package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestProfilesAreForThisMachineOnly(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":6060":           "no loopback address",
		"0.0.0.0:6060":    "no loopback address",
		"[::]:6060":       "no loopback address",
		"192.0.2.1:6060":  "no loopback address",
		"example.com:80":  "no loopback address",
		"127.0.0.1":       "no host:port",
		"127.0.0.1:nope!": "STEP_PROF_ADDR",
	} {
		p, err := newProfiler(func(string) string { return address })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("STEP_PROF_ADDR=%s: error is %v, want one with %q", address, err, want)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
	if p, err := newProfiler(func(string) string { return "" }); p != nil || err != nil {
		t.Errorf("without STEP_PROF_ADDR: %v, %v", p, err)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	p, err := newProfiler(func(string) string { return "127.0.0.1:0" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx) }()
	resp, err := http.Get("http://" + p.net.Addr().String() + "/debug/pprof/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("GET: %s %q %v", resp.Status, body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}
