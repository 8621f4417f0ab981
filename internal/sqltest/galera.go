//go:build unix

package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"stepca/internal/freeport"
)

// galeraLibrary is what the Debian package galera-4 installs, which
// mariadb-server brings along.
const galeraLibrary = "/usr/lib/galera/libgalera_smm.so"

// galeraNodes is the size of the cluster: the least that has a majority without
// one of them.
const galeraNodes = 3

// Galera returns DSNs of one new database on each of the three nodes of a
// MariaDB Galera cluster, all of which write.
func Galera(t testing.TB) []string {
	t.Helper()
	nodes := sharedNodes(t)
	name := newName()
	var dsns []string
	for _, n := range nodes {
		dsns = append(dsns, n.DSN(name))
	}
	return dsns
}

func sharedNodes(t testing.TB) []*Server {
	t.Helper()
	var nodes []*Server
	shared(t, func() (_ *Server, err error) { nodes, err = sharedGalera(); return nil, err })
	return nodes
}

// startGalera starts the nodes one after another; each copies the first one's
// data, with rsync, since the others would need accounts.
func startGalera() ([]*Server, error) {
	if _, err := os.Stat(galeraLibrary); err != nil {
		return nil, missingError{galeraLibrary, "galera-4"}
	}
	if _, err := find("rsync", "rsync"); err != nil {
		return nil, err
	}
	var nodes []*Server
	var first string
	for i := range galeraNodes {
		port, err := freeport.Find()
		if err != nil {
			return nil, err
		}
		incremental, err := freeport.Find()
		if err != nil {
			return nil, err
		}
		transfer, err := freeport.Find()
		if err != nil {
			return nil, err
		}
		s, err := initMariaDB()
		if err != nil {
			return nil, err
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		s.command = append(s.command, "--wsrep-on=ON", "--wsrep-provider="+galeraLibrary, "--binlog-format=ROW",
			"--innodb-autoinc-lock-mode=2", "--wsrep-cluster-name=sqltest", fmt.Sprintf("--wsrep-node-name=node%d", i),
			"--wsrep-node-address="+address, "--wsrep-sst-method=rsync", fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", transfer),
			"--wsrep-slave-threads=2", "--skip-log-bin", "--wsrep-cluster-address=gcomm://"+first,
			fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=16M", address, incremental))
		if i == 0 {
			s.command = append(s.command, "--wsrep-new-cluster")
			first = address
		}
		s.ping = func(ctx context.Context) error { return pingGalera(ctx, s.DSN("mysql")) }
		if err := s.Start(); err != nil {
			return nil, err
		}
		nodes = append(nodes, s)
	}
	return nodes, nil
}

// pingGalera returns an error until the node takes part.
func pingGalera(ctx context.Context, dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	var name, ready string
	if err := db.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_ready'").Scan(&name, &ready); err != nil {
		return err
	}
	if !strings.EqualFold(ready, "ON") {
		return fmt.Errorf("the node is not ready")
	}
	return nil
}
