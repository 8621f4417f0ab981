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
// many while tests run, so that a server can also come back to its own. The token of
// a port is the port that is tokens higher: who listens there has it, and the tests
// of other packages, which run at the same time, find another one.
const (
	first  = 10_000
	count  = 10_000
	tokens = count
	tries  = 100
)

// held are the tokens of the ports that this process gave away, by port. They are
// held until it ends.
var held sync.Map

// Find returns a port that nobody listens on, and does not return it again.
func Find() (int, error) {
	for range tries {
		port := first + rand.IntN(count)
		token, err := net.Listen("tcp", address(port+tokens))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			token.Close()
			continue
		}
		held.Store(port, token)
		return port, l.Close()
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
