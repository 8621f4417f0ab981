//go:build unix

package sqltest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A server that ends instead of starting is not waited for, and tells why.
func TestServerThatEnds(t *testing.T) {
	t.Parallel()
	s, err := newServer("nobody")
	if err != nil {
		t.Fatal(err)
	}
	s.command = []string{"/bin/sh", "-c", "echo the disk is on fire; exit 1"}
	s.signal = "TERM"
	s.ping = func(context.Context) error { return errors.New("connection refused") }
	begin := time.Now()
	err = s.Start()
	if err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("Start = %v, want the error of the connection, and the log", err)
	}
	if took := time.Since(begin); took > startTimeout/2 {
		t.Errorf("the server was waited for, %v", took)
	}
	s.remove()
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}
