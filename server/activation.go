package server

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

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
