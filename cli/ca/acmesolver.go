package ca

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"stepca/cli"
)

// An acmeSolver answers the challenges of one type, one at a time. Tokens have been
// checked to be base64url, and so to be good as the name of a file.
type acmeSolver interface {
	kind() string // the type
	mode() string // how, for people
	present(context.Context, acme.Challenge) error
	cleanUp(context.Context, acme.Challenge) error

	// stop ends what the first present began and cleanUp left for the next
	// challenge of the order: the server, whose port is not given away meanwhile.
	stop() error
}

// A payloadSolver answers challenges with more than {} in the response itself.
type payloadSolver interface {
	acmeSolver
	payload(context.Context, acme.Challenge) (any, error) // for encoding/json
}

// A standalone answers http-01 with a web server of its own.
type standalone struct {
	listen  string
	server  *http.Server                   // nil before the first challenge
	current atomic.Pointer[acme.Challenge] // nil between challenges
}

func (*standalone) kind() string { return acme.ChallengeTypeHTTP01 }
func (*standalone) mode() string { return "Standalone Mode HTTP" }

func (s *standalone) present(_ context.Context, c acme.Challenge) error {
	s.current.Store(&c)
	if s.server != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return listenError(err, "use '--webroot' with the web server that listens there, or another address with '--http-listen' that port 80 is forwarded to")
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(listener)
	return nil
}

// ServeHTTP implements http.Handler.
func (s *standalone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.current.Load()
	if c == nil || r.URL.Path != c.HTTP01ResourcePath() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	fmt.Fprint(w, c.KeyAuthorization)
}

func (s *standalone) cleanUp(context.Context, acme.Challenge) error {
	s.current.Store(nil)
	return nil
}

func (s *standalone) stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.Close()
}

// listenError says what to do about an address that we cannot listen at.
func listenError(err error, otherwise string) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; %s", err, otherwise)
	}
	return fmt.Errorf("%w; %s", err, otherwise)
}

// A webroot answers http-01 with files that a web server serves.
type webroot struct{ dir string }

func (*webroot) kind() string { return acme.ChallengeTypeHTTP01 }
func (*webroot) mode() string { return "Webroot Mode HTTP" }

// file is where a challenge's answer goes.
func (w *webroot) file(c acme.Challenge) string {
	return filepath.Join(w.dir, ".well-known", "acme-challenge", c.Token)
}

func (w *webroot) present(_ context.Context, c acme.Challenge) error {
	name := w.file(c)
	// Not secret: the web server, another user, has to read it, whatever our umask.
	for _, dir := range []string{filepath.Dir(filepath.Dir(name)), filepath.Dir(name)} {
		if err := makePublicDir(dir); err != nil {
			return cli.FileError(err)
		}
	}
	if err := os.WriteFile(name, []byte(c.KeyAuthorization), 0o644); err != nil {
		return cli.FileError(err)
	}
	return cli.FileError(os.Chmod(name, 0o644))
}

func (*webroot) stop() error { return nil }

// makePublicDir makes a directory that everybody can read, unless it is there.
func makePublicDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func (w *webroot) cleanUp(_ context.Context, c acme.Challenge) error {
	return cli.FileError(os.Remove(w.file(c)))
}

// A tlsALPN answers tls-alpn-01 (RFC 8737) with a TLS server of its own.
type tlsALPN struct {
	listen   string
	listener net.Listener                    // nil before the first challenge
	current  atomic.Pointer[tls.Certificate] // nil between challenges
}

func (*tlsALPN) kind() string { return acme.ChallengeTypeTLSALPN01 }
func (*tlsALPN) mode() string { return "TLS ALPN" }

func (s *tlsALPN) present(_ context.Context, c acme.Challenge) error {
	crt, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.current.Store(crt)
	if s.listener != nil {
		return nil
	}
	s.listener, err = tls.Listen("tcp", s.listen, &tls.Config{
		GetCertificate: s.certificate,
		NextProtos:     []string{acmez.ACMETLS1Protocol},
		MinVersion:     tls.VersionTLS12,
	})
	if err != nil {
		s.listener = nil
		return listenError(err, "use another address with '--tls-listen' that port 443 is forwarded to")
	}
	go shakeHands(s.listener)
	return nil
}

func (s *tlsALPN) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if crt := s.current.Load(); crt != nil {
		return crt, nil
	}
	return nil, errors.New("no name is being proved")
}

// shakeHands is all that the protocol asks for.
func shakeHands(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			conn.(*tls.Conn).Handshake()
		}()
	}
}

func (s *tlsALPN) cleanUp(context.Context, acme.Challenge) error {
	s.current.Store(nil)
	return nil
}

func (s *tlsALPN) stop() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// A dnsHook answers dns-01 with a command, called as lego's exec provider calls
// it: present or cleanup, the name of the TXT record, and its value.
type dnsHook struct {
	env   *cli.Env
	words []string
}

func (*dnsHook) kind() string { return acme.ChallengeTypeDNS01 }
func (*dnsHook) mode() string { return "DNS" }

func (h *dnsHook) present(ctx context.Context, c acme.Challenge) error {
	err := h.call(ctx, "present", c)
	if _, ran := errors.AsType[*exec.ExitError](err); ran {
		h.cleanUp(context.WithoutCancel(ctx), c) // it may have got half the way; err says why
	}
	return err
}

func (h *dnsHook) cleanUp(ctx context.Context, c acme.Challenge) error {
	return h.call(ctx, "cleanup", c)
}

func (*dnsHook) stop() error { return nil }

// hookGrace is how long an interrupted hook has to end by itself.
const hookGrace = 5 * time.Second

func (h *dnsHook) call(ctx context.Context, verb string, c acme.Challenge) error {
	args := append(h.words[1:len(h.words):len(h.words)], verb, c.DNS01TXTRecordName()+".", c.DNS01KeyAuthorization())
	cmd := exec.CommandContext(ctx, h.words[0], args...)
	cmd.Stdout, cmd.Stderr = h.env.Stderr, h.env.Stderr // stdout is for results
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = hookGrace
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running '%s %s': %w", h.words[0], verb, err)
	}
	return nil
}
