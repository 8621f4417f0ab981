package server

import (
	"fmt"

	"stepca/config"
)

// roles are all of them, in the order in which they are bound and told of.
var roles = []role{roleHTTPS, roleHTTP, roleMetrics}

// addressKey is the key of ca.json that an address comes from.
var addressKey = map[role]string{roleHTTPS: "address", roleHTTP: "insecureAddress", roleMetrics: "metricsAddress"}

// addresses are those that a configuration asks for; "" for a role it has none for.
func addresses(cfg *config.Config) map[role]string {
	return map[role]string{roleHTTPS: cfg.Address, roleHTTP: cfg.InsecureAddress, roleMetrics: cfg.MetricsAddress}
}

// bind binds those addresses of a configuration that are not bound yet, all or none,
// and tells which listeners it has no use for. Server.listeners does not change.
func (s *Server) bind(cfg *config.Config, sockets *activation) (added, removed []*listener, err error) {
	want := addresses(cfg)
	for _, r := range roles {
		old := s.listeners[r]
		if old != nil && old.address == want[r] {
			continue
		}
		if old != nil {
			removed = append(removed, old)
		}
		if want[r] == "" {
			continue
		}
		l, err := listen(r, want[r], sockets)
		if err != nil {
			closeAll(added)
			return nil, nil, fmt.Errorf("%s: %w", addressKey[r], err)
		}
		added = append(added, l)
	}
	return added, removed, nil
}

// closeAll closes listeners that serve nothing yet.
func closeAll(list []*listener) {
	for _, l := range list {
		l.net.Close()
	}
}

// bound returns the listeners in a fixed order.
func (s *Server) bound() []*listener {
	var list []*listener
	for _, r := range roles {
		if l := s.listeners[r]; l != nil {
			list = append(list, l)
		}
	}
	return list
}

// serve starts a listener.
func (s *Server) serve(l *listener) {
	l.serve(s.log, s.fail)
	fmt.Fprintf(s.opts.Stderr, "%s Serving %s on %s ...\n", stamp(), l.protocol(), l.shown())
}
