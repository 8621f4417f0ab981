package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// remoteFlags say how a server is checked before its certificates are used.
type remoteFlags struct {
	roots, serverName string
	insecure          bool // set by the command's --insecure, if it has one
}

func (f *remoteFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.roots, "roots", "", "the `file`, files separated by commas, or directory with the root certificates to trust, instead of those of the system")
	cmd.Flags().StringVar(&f.serverName, "servername", "", "the `name` that the server is asked for and must have in its certificate")
}

// defaultPorts are the schemes of servers that are asked for their certificates.
var defaultPorts = map[string]string{
	"https": "443", "tls": "443", "tcp": "443", "smtps": "465", "ldaps": "636",
}

// remoteAddress returns the host and port of a URL with one of these schemes;
// ok is false for anything else, which is the name of a file.
func remoteAddress(name string) (addr string, ok bool, err error) {
	scheme, _, found := strings.Cut(name, "://")
	port := defaultPorts[strings.ToLower(scheme)]
	if !found || port == "" {
		return "", false, nil
	}
	u, err := url.Parse(name)
	if err != nil {
		return "", false, fmt.Errorf("error parsing URL '%s': %w", name, err)
	}
	if u.Hostname() == "" {
		return "", false, fmt.Errorf("error parsing URL '%s': it has no host name", name)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port), true, nil
}

// dialTimeout bounds connection and handshake together.
const dialTimeout = 30 * time.Second

// peerCertificates are the certificates that the server presents, leaf first.
func (f *remoteFlags) peerCertificates(ctx context.Context, env *cli.Env, addr string) ([]*x509.Certificate, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         f.serverName,
		InsecureSkipVerify: f.insecure, //nolint:gosec // the user asked for it, to look at what is there
		Time:               env.Now,
	}
	if f.roots != "" {
		var err error
		if config.RootCAs, err = loadPool(f.roots); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("failed to connect: %w", err)
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates, nil
}

// loadPool reads roots from a file, files separated by commas, or a directory.
func loadPool(roots string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for name := range strings.SplitSeq(roots, ",") {
		files, err := poolFiles(name)
		if err != nil {
			return nil, poolError(roots, err)
		}
		for _, file := range files {
			certs, err := keyfile.LoadCertificates(file)
			if err != nil {
				return nil, poolError(roots, err)
			}
			for _, cert := range certs {
				pool.AddCert(cert)
			}
		}
	}
	return pool, nil
}

func poolError(roots string, err error) error {
	return fmt.Errorf("failure to load root certificate pool from input path '%s': %w", roots, err)
}

// poolFiles are the file itself, or all files of the directory.
func poolFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() {
			files = append(files, filepath.Join(name, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("directory %s has no files", name)
	}
	return files, nil
}
