// Package freeport finds TCP ports of loopback for the programs that tests start.
// A test that listens itself takes port 0 instead.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports are below those that the system gives to outgoing connections, which are
// many while tests run, so that a server can also come back to its own.
const (
	first = 10_000
	count = 20_000
	tries = 100
)

// taken are the ports that this process gave away.
var taken sync.Map

// Find returns a port that nobody listens on, and does not return it again.
func Find() (int, error) {
	for range tries {
		port := first + rand.IntN(count)
		if _, given := taken.LoadOrStore(port, true); given {
			continue
		}
		l, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}

// Port is Find for a test.
func Port(t testing.TB) int {
	t.Helper()
	port, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Address returns an address with such a port, as host:port.
func Address(t testing.TB) string {
	t.Helper()
	return address(Port(t))
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
