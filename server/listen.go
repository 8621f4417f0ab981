package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
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
			return nil, err
		}
	}
	return &listener{role: r, address: address, net: ln, done: make(chan struct{})}, nil
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

// An activation holds the sockets that systemd opened for us (sd_listen_fds).
// It is nil if there are none.
type activation struct {
	named  map[role]net.Listener
	others []net.Listener // without a known name, matched by address
}

// firstActivatedFD is where systemd puts the sockets.
const firstActivatedFD = 3

// activated reports whether the service manager passed sockets to this process.
func activated(getenv func(string) string) bool {
	return getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
}

// inheritedSockets takes the sockets that the environment tells of.
func inheritedSockets(getenv func(string) string) (*activation, error) {
	if !activated(getenv) {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n <= 0 {
		return nil, nil
	}
	names := strings.Split(getenv("LISTEN_FDNAMES"), ":")
	a := &activation{named: make(map[role]net.Listener)}
	for i := range n {
		f := os.NewFile(uintptr(firstActivatedFD+i), "activated socket")
		ln, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("socket %d passed by the service manager is no listening socket: %w", i+1, err)
		}
		var name role
		if i < len(names) {
			name = role(names[i])
		}
		switch name {
		case roleHTTPS, roleHTTP, roleMetrics:
			a.named[name] = ln
		default:
			a.others = append(a.others, ln)
		}
	}
	return a, nil
}

// take returns the socket passed for a role, or for an address, once; nil if
// there is none.
func (a *activation) take(r role, address string) (net.Listener, error) {
	if a == nil {
		return nil, nil
	}
	if ln := a.named[r]; ln != nil {
		delete(a.named, r)
		return ln, nil
	}
	for i, ln := range a.others {
		same, err := sameAddress(ln.Addr(), address)
		if err != nil {
			return nil, err
		}
		if same || r == roleHTTPS && len(a.others) == 1 {
			a.others = append(a.others[:i], a.others[i+1:]...)
			return ln, nil
		}
	}
	return nil, nil
}

func sameAddress(bound net.Addr, configured string) (bool, error) {
	want, err := net.ResolveTCPAddr("tcp", configured)
	if err != nil {
		return false, err
	}
	got, ok := bound.(*net.TCPAddr)
	if !ok || got.Port != want.Port {
		return false, nil
	}
	return want.IP == nil || want.IP.IsUnspecified() && got.IP.IsUnspecified() || want.IP.Equal(got.IP), nil
}

// rest closes the sockets that nothing in the configuration wants.
func (a *activation) rest() {
	if a == nil {
		return
	}
	for _, ln := range a.others {
		ln.Close()
	}
	for _, ln := range a.named {
		ln.Close()
	}
}
