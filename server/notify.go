package server

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// A notifier tells systemd of the server's state (sd_notify). The zero value
// tells nobody.
type notifier struct {
	socket   string
	watchdog time.Duration // how often WATCHDOG=1 is expected; 0 is never
}

// newNotifier reads the environment that systemd sets.
func newNotifier(getenv func(string) string) notifier {
	n := notifier{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	pid := getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

func (n notifier) ready()    { n.send("READY=1") }
func (n notifier) stopping() { n.send("STOPPING=1") }
func (n notifier) alive()    { n.send("WATCHDOG=1") }

// reloading must be followed by ready.
func (n notifier) reloading() {
	n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonicMicroseconds()))
}

// notifyTimeout bounds how long a service manager that does not listen holds us up.
const notifyTimeout = time.Second

// send ignores failures: the service manager is not needed to serve.
func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.SetWriteDeadline(time.Now().Add(notifyTimeout)) == nil {
		conn.Write([]byte(state))
	}
}

// watchdog tells the service manager that the process is alive, if it asks.
func (s *Server) watchdog(ctx context.Context) {
	if s.notify.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.notify.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.notify.alive()
		}
	}
}
