package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"stepca/apiserver"
)

// Time limits of every listener.
const (
	ioTimeout    = 15 * time.Second // reading a request, writing a response, idling
	drainTimeout = 60 * time.Second // for requests under way when a listener closes
)

// A role is what a listener is for.
type role string

// The roles of listeners; their names are those of activated sockets
// (FileDescriptorName= in a systemd socket unit).
const (
	roleHTTPS   role = "https"
	roleHTTP    role = "http"
	roleMetrics role = "metrics"
)

// A listener serves one address. What it serves is swapped as a whole, so that a
// reload closes nothing.
type listener struct {
	role    role
	address string // as configured
	net     net.Listener
	srv     *http.Server
	handler atomic.Pointer[http.Handler]
	tls     atomic.Pointer[tls.Config] // roleHTTPS only
	done    chan struct{}              // closed when Serve returned
}

// listen binds an address, or takes over the socket that systemd passed for it.
func listen(r role, address string, inherited *activation) (*listener, error) {
	ln, err := inherited.take(r, address)
	if err != nil {
		return nil, err
	}
	if ln == nil {
		if ln, err = net.Listen("tcp", address); err != nil {
			return nil, explainListen(err)
		}
	}
	return &listener{role: r, address: address, net: ln, done: make(chan struct{})}, nil
}

// explainListen says what to do about an address that cannot be had.
func explainListen(err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		hint = "stop the program that listens there, or choose another address"
	case errors.Is(err, fs.ErrPermission):
		hint = "ports below 1024 need root or CAP_NET_BIND_SERVICE, as the systemd units give it; or choose a higher one"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		hint = "this machine has no such address; :port is all it has"
	default:
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// use sets what is served from now on.
func (l *listener) use(h http.Handler, config *tls.Config) {
	l.handler.Store(&h)
	l.tls.Store(config)
}

// serve serves until close; failed hears of anything else that ends it.
func (l *listener) serve(logger *slog.Logger, failed func(error)) {
	l.srv = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*l.handler.Load()).ServeHTTP(w, r)
		}),
		ReadTimeout:       ioTimeout,
		ReadHeaderTimeout: ioTimeout,
		WriteTimeout:      ioTimeout,
		IdleTimeout:       ioTimeout,
		MaxHeaderBytes:    apiserver.MaxHeader,
		ErrorLog:          connectionLog(logger),
	}
	run := func() error { return l.srv.Serve(l.net) }
	if l.role == roleHTTPS {
		l.srv.TLSConfig = &tls.Config{
			NextProtos:         []string{"h2", "http/1.1"},
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return l.tls.Load(), nil },
		}
		run = func() error { return l.srv.ServeTLS(l.net, "", "") }
	}
	go func() {
		defer close(l.done)
		if err := run(); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("serving %s on %s: %w", l.role, l.address, err))
		}
	}()
}

// close stops listening and waits for the requests under way, for as long as
// ctx allows.
func (l *listener) close(ctx context.Context) error {
	if l.srv == nil {
		return l.net.Close()
	}
	err := l.srv.Shutdown(ctx)
	if err != nil {
		l.srv.Close()
	}
	<-l.done
	return err
}

// connectionLog puts what net/http says of single connections (failed
// handshakes, mostly) into the log, below the level of trouble.
func connectionLog(logger *slog.Logger) *log.Logger {
	return log.New(connectionWriter{logger}, "", 0)
}

type connectionWriter struct{ log *slog.Logger }

func (w connectionWriter) Write(p []byte) (int, error) {
	w.log.Debug("connection", "detail", strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *listener) protocol() string {
	if l.role == roleHTTPS {
		return "HTTPS"
	}
	return "HTTP"
}

// shown is the address for people: as configured, but with the real port where
// that leaves the choice to the system.
func (l *listener) shown() string {
	if _, port, err := net.SplitHostPort(l.address); err == nil && port == "0" {
		return l.net.Addr().String()
	}
	return l.address
}
