package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"
)

// profiler serves CPU and memory profiles for developers, on a listener of its
// own; nil unless the environment asks for it.
type profiler struct {
	net net.Listener
	srv *http.Server
}

// newProfiler binds the address in STEP_PROF_ADDR. Profiles tell what is in
// memory and anyone may fetch them, so that only loopback addresses are taken:
// from elsewhere, go through a tunnel.
func newProfiler(getenv func(string) string) (*profiler, error) {
	address := getenv("STEP_PROF_ADDR")
	if address == "" {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("STEP_PROF_ADDR %q is no host:port", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("STEP_PROF_ADDR %q is no loopback address: profiles are served to this machine only, for example on 127.0.0.1:6060", address)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("STEP_PROF_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &profiler{ln, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}, nil
}

// serve serves until ctx ends.
func (p *profiler) serve(ctx context.Context) error {
	if p == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { p.srv.Close() })
	defer stop()
	if err := p.srv.Serve(p.net); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving profiles: %w", err)
	}
	return nil
}

// close lets go of an address that was never served.
func (p *profiler) close() error {
	if p == nil {
		return nil
	}
	return p.net.Close()
}
