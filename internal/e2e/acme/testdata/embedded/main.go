// Command embedded gets a certificate with the ACME client that another program has
// inside, asks when to renew it, renews it, and revokes the first one: as lego does in
// Traefik, certmagic in Caddy, and cert-manager with its own. It is a module of its
// own, so that what it needs is not among what we need.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// name is what the certificate is for.
const name = "www.example.com"

// A world is what the clients are told, in the order of the program's arguments.
type world struct {
	directory string // URL of the ACME server's directory
	http      string // address for http-01, host:port
	profile   string // of the certificate to order
}

// clients write the chains of the certificates to first.crt and second.crt.
var clients = map[string]func(context.Context, world) error{
	"lego":         withLego,
	"certmagic":    withCertmagic,
	"cert-manager": withCertManager,
}

func main() {
	if len(os.Args) != 5 || clients[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: embedded lego|certmagic|cert-manager DIRECTORY HTTP PROFILE")
		os.Exit(2)
	}
	if err := clients[os.Args[1]](context.Background(), world{os.Args[2], os.Args[3], os.Args[4]}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// port returns the port of the address for http-01.
func (w world) port() int {
	_, text, _ := net.SplitHostPort(w.http)
	port, _ := strconv.Atoi(text)
	return port
}

// write writes a chain in PEM.
func write(file string, chain []byte) error { return os.WriteFile(file, chain, 0o600) }

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// window reports an error unless a server suggests to renew a new certificate later.
func window(start, end time.Time) error {
	if !start.After(time.Now()) || !end.After(start) {
		return fmt.Errorf("a new certificate is to be renewed between %v and %v", start, end)
	}
	return nil
}
