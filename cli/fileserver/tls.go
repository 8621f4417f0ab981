package fileserver

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync/atomic"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// tlsFlags are those that make the server speak TLS.
type tlsFlags struct {
	cert, key, roots string

	// current is replaced as a whole by load and never changed in place.
	current atomic.Pointer[tls.Config]
}

func (f *tlsFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cert, "cert", "", "the `file` with the certificate chain of the server")
	cmd.Flags().StringVar(&f.key, "key", "", "the private key `file` of --cert")
	cmd.Flags().StringVar(&f.roots, "roots", "", "the `file` with the roots that certificates of clients must chain to; clients need one then")
}

func (f *tlsFlags) check() error {
	switch {
	case f.cert != "" && f.key == "":
		return cli.RequiredWithFlag("cert", "key")
	case f.key != "" && f.cert == "":
		return cli.RequiredWithFlag("key", "cert")
	case f.roots != "" && f.cert == "":
		return cli.RequiredWithFlag("roots", "cert")
	}
	return nil
}

func (f *tlsFlags) enabled() bool { return f.cert != "" }

// use makes the server speak TLS, if the flags say so.
func (f *tlsFlags) use(server *http.Server) error {
	if !f.enabled() {
		return nil
	}
	server.TLSConfig = &tls.Config{
		NextProtos:         []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.current.Load(), nil },
	}
	return f.load()
}

// load reads the files and takes them into use for new connections. After an
// error nothing has changed.
func (f *tlsFlags) load() error {
	crt, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return cli.FileError(err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{crt},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if f.roots != "" {
		roots, err := keyfile.LoadCertificates(f.roots)
		if err != nil {
			return cli.FileError(err)
		}
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		for _, root := range roots {
			config.ClientCAs.AddCert(root)
		}
	}
	f.current.Store(config)
	return nil
}
