// Package fileserver has the step fileserver command: a directory over HTTP or
// HTTPS, to try certificates out. It is no web server for production.
package fileserver

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// Time limits of connections. Downloads may take as long as they need.
const (
	headerTimeout = 15 * time.Second
	idleTimeout   = time.Minute
	drainTimeout  = 5 * time.Second // for requests under way when the server ends
)

// flags are those of step fileserver.
type flags struct {
	address string
	pidFile string
	tls     tlsFlags
}

// Command is step fileserver.
func Command(env *cli.Env) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:    "fileserver <dir>",
		Hidden: true,
		Short:  "serve the files of a directory, to try certificates out",
		Long: `**step fileserver** serves the files of a directory over HTTP, or with --cert and --key
over HTTPS. Links that lead out of the directory are not followed. SIGHUP makes it
read certificate, key and roots again; SIGINT and SIGTERM end it.

## POSITIONAL ARGUMENTS
<dir>
    The directory.`,
		Example: `Serve the working directory over HTTPS:
$ step fileserver --address :8443 --cert internal.crt --key internal.key .

Serve it only to those who have a certificate:
$ step fileserver --address :8443 --cert internal.crt --key internal.key --roots root_ca.crt .

Make it use a renewed certificate:
$ step ca renew --force --exec "kill -HUP $(cat fileserver.pid)" internal.crt internal.key`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), env, args[0]) },
	}
	cmd.Flags().StringVar(&f.address, "address", ":0", "the `host:port` to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&f.pidFile, "pidfile", "", "the `file` to write the process ID to, removed at the end")
	f.tls.define(cmd)
	return cmd
}

func (f *flags) run(ctx context.Context, env *cli.Env, dir string) error {
	if err := f.tls.check(); err != nil {
		return err
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return errors.New("positional argument <dir> must be a directory")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return cli.FileError(err)
	}
	defer root.Close()
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	defer listener.Close()
	logger := log.New(env.Stderr, "", log.LstdFlags)
	server := &http.Server{
		Handler:           http.FileServerFS(root.FS()),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          logger,
	}
	if err := f.tls.use(server); err != nil {
		return err
	}
	removePID, err := writePID(f.pidFile)
	if err != nil {
		return err
	}
	defer removePID()
	return f.serve(ctx, server, listener, logger)
}

// serve serves until a signal ends it or ctx does.
func (f *flags) serve(ctx context.Context, server *http.Server, listener net.Listener, logger *log.Logger) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)

	ended := make(chan error, 1)
	if f.tls.enabled() {
		logger.Println("serving HTTPS at", listener.Addr())
		go func() { ended <- server.ServeTLS(listener, "", "") }()
	} else {
		logger.Println("serving HTTP at", listener.Addr())
		go func() { ended <- server.Serve(listener) }()
	}
	for {
		select {
		case err := <-ended:
			return err
		case <-reload:
			f.reload(logger)
		case <-ctx.Done():
			drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
			defer cancel()
			if err := server.Shutdown(drain); err != nil {
				return server.Close() // whoever still downloads has had the time
			}
			return nil
		}
	}
}

// reload takes the files of now into use. If one is faulty, those of before stay.
func (f *flags) reload(logger *log.Logger) {
	if !f.tls.enabled() {
		return
	}
	logger.Println("reloading TLS configuration")
	if err := f.tls.load(); err != nil {
		logger.Println("the TLS configuration stays as it was:", err)
	}
}

// writePID writes the process ID to a file, which the function it returns
// removes again. No name writes nothing.
func writePID(name string) (remove func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	if err := os.WriteFile(name, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("writing --pidfile: %w", cli.FileError(err))
	}
	return func() { os.Remove(name) }, nil
}
