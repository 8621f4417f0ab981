//go:build unix

package sqltest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/go-sql-driver/mysql" // pingMariaDB
	"github.com/jackc/pgx/v5"

	"stepca/internal/sockdir"
)

// startTimeout is how long a server may take to answer.
const startTimeout = 3 * time.Minute

// A Server is a running database server.
type Server struct {
	DSN func(database string) string // the data source name of a database in it

	dir     string   // all its files
	command []string // starts it in the foreground
	signal  string   // stops it
	ping    func(context.Context) error
	as      *syscall.Credential // who runs it; nil is who runs the tests

	watcher *exec.Cmd // keeps it running; nil while stopped
	alive   io.Closer // tells the watcher that the tests go on, until closed
}

// newServer makes the directory of a server that runs as the user called name
// if the tests run as root, which database servers refuse.
func newServer(name string) (*Server, error) {
	dir, err := sockdir.Make("sqltest")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if os.Getuid() != 0 {
		return s, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return s, errors.Join(err1, err2, os.Chown(dir, uid, gid))
}

func (s *Server) exec(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	// Temporary files are the server's own: MariaDB removes, when it starts, what
	// looks like its own in there, also where it belongs to a running server.
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "TMPDIR="+s.dir, "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

func (s *Server) run(name string, args ...string) error {
	if out, err := s.exec(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// watch runs a server until its standard input ends, as it does at the latest
// when the test process ends, and then removes the directory $0 unless a file
// there says that the server will be started again. $1 is the signal that makes
// the server close all connections and stop. Of all processes only the server keeps
// file 3 open.
const watch = `signal=$1; shift
"$@" >>"$0/log" 2>&1 </dev/null &
server=$!
exec 3>&-
cat >/dev/null
kill -$signal $server
wait $server
[ -e "$0/stopped" ] || { cd / && rm -rf "$0"; }`

// Start starts the server again after Stop, with the same data and address.
func (s *Server) Start() error {
	_ = os.Remove(filepath.Join(s.dir, "stopped"))
	s.watcher = s.exec("/bin/sh", append([]string{"-c", watch, s.dir, s.signal}, s.command...)...)
	alive, err := s.watcher.StdinPipe()
	if err != nil {
		return err
	}
	s.alive = alive
	// A signal for the tests, such as ^C, is not for the server.
	s.watcher.SysProcAttr.Setpgid = true
	ended, running, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ended.Close()
	s.watcher.ExtraFiles = []*os.File{running}
	err = s.watcher.Start()
	running.Close()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	go func() {
		defer cancel()
		ended.Read(make([]byte, 1)) // until the server has ended, or answers
	}()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			if len(log) > 4000 {
				log = log[len(log)-4000:]
			}
			return fmt.Errorf("%s does not answer: %w\n%s", s.command[0], err, bytes.TrimSpace(log))
		}
	}
}

// Stop stops the server as an administrator would, and keeps its data.
func (s *Server) Stop() error {
	if s.watcher == nil {
		return nil
	}
	if err := os.WriteFile(filepath.Join(s.dir, "stopped"), nil, 0o600); err != nil {
		return err
	}
	return s.end()
}

func (s *Server) end() error {
	err := s.alive.Close()
	_ = s.watcher.Wait() // its status is the server's, and of no interest
	s.watcher = nil
	return err
}

func (s *Server) remove() {
	if s.watcher != nil {
		_ = s.end()
	}
	_ = os.RemoveAll(s.dir)
}

func pingPostgres(ctx context.Context, dsn string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return c.Ping(ctx)
}

func pingMariaDB(ctx context.Context, dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.PingContext(ctx)
}
