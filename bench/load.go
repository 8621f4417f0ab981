package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A request is one that was prepared: sending it costs the client little.
type request struct {
	method, path string
	body         []byte
	status       int // that of success
}

func post(path string, body any, status int) (request, error) {
	data, err := json.Marshal(body)
	return request{http.MethodPost, path, data, status}, err
}

// An outcome is what a load cost the server and its clients.
type outcome struct {
	requests  int
	cpu       time.Duration // of the server, in all
	wall      time.Duration
	latencies []time.Duration // sorted
}

// perRequest is the server's processor time for one request.
func (o *outcome) perRequest() time.Duration { return o.cpu / time.Duration(o.requests) }

func (o *outcome) percentile(p int) time.Duration {
	return o.latencies[min(len(o.latencies)*p/100, len(o.latencies)-1)]
}

// client returns one with a connection of its own, kept alive, that presents crt
// unless it is nil.
func (a *authority) client(crt *tls.Certificate, http2 bool) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	cfg := &tls.Config{RootCAs: pool}
	if crt != nil {
		cfg.Certificates = []tls.Certificate{*crt}
	}
	return &http.Client{Timeout: startTimeout, Transport: &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: http2}}
}

// A load is work for several connections, each of which does one piece at a time.
type load struct {
	pieces  int
	workers []worker // one a connection
	close   func()
}

// A worker does the n-th piece of a load.
type worker func(ctx context.Context, n int) error

// prepared is a load of requests that are made before the clock starts.
func prepared(
	clients func(*bench, *process) ([]*http.Client, error), requests func(*process, int) ([]request, error),
) func(*bench, *process) (*load, error) {
	return func(b *bench, p *process) (*load, error) {
		list, err := clients(b, p)
		if err != nil {
			return nil, err
		}
		all, err := requests(p, b.requests)
		if err != nil {
			return nil, err
		}
		l := &load{pieces: len(all), close: func() { closeIdle(list) }}
		for _, c := range list {
			l.workers = append(l.workers, func(ctx context.Context, n int) error { return p.send(ctx, c, &all[n]) })
		}
		return l, nil
	}
}

func closeIdle(clients []*http.Client) {
	for _, c := range clients {
		c.CloseIdleConnections()
	}
}

// warmUp is how many pieces a connection does before the clock starts.
const warmUp = 3

// drive does the pieces of a load and accounts for them. The first few of each
// connection, its handshake among them, do not count.
func (b *bench) drive(ctx context.Context, p *process, name string, l *load) (*outcome, error) {
	var next atomic.Int64
	do := func(ctx context.Context, w worker) (time.Duration, bool, error) {
		n := int(next.Add(1)) - 1
		if n >= l.pieces {
			return 0, false, nil
		}
		began := time.Now()
		err := w(ctx, n)
		return time.Since(began), true, err
	}
	for _, w := range l.workers {
		for range warmUp {
			if _, _, err := do(ctx, w); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	counted := l.pieces - int(next.Load())
	if counted <= 0 {
		return nil, fmt.Errorf("%s: %d requests are fewer than the %d that do not count", name, l.pieces, int(next.Load()))
	}
	profile := b.startProfile(ctx, p, name)
	before, err := cpuTime(p.pid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var mu sync.Mutex // guards latencies
	var latencies []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range l.workers {
		group.Go(func() error {
			var own []time.Duration
			for {
				took, more, err := do(ctx, w)
				if err != nil {
					return err
				}
				if !more {
					break
				}
				own = append(own, took)
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	wall := time.Since(began)
	after, err := cpuTime(p.pid())
	if err != nil {
		return nil, err
	}
	slices.Sort(latencies)
	return &outcome{counted, after - before, wall, latencies}, profile()
}

// send sends a request and reads the answer.
func (p *process) send(ctx context.Context, c *http.Client, r *request) error {
	req, err := http.NewRequestWithContext(ctx, r.method, p.url(r.path), bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != r.status {
		return fmt.Errorf("%s %s: %s %s", r.method, r.path, resp.Status, body)
	}
	return nil
}

// profileSeconds is how long a profile of a load lasts at most.
const profileSeconds = 5

// startProfile fetches a CPU profile of the load that begins; what it returns
// waits for that.
func (b *bench) startProfile(ctx context.Context, p *process, name string) func() error {
	if b.profile == "" {
		return func() error { return nil }
	}
	done := make(chan error, 1)
	go func() {
		url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.prof, profileSeconds)
		done <- func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(b.profile, name+".pprof"), data, 0o644)
		}()
	}()
	return func() error { return <-done }
}
