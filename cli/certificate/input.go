package certificate

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"

	"stepca/cli"
	"stepca/keyfile"
)

// contents is what a file or server has: certificates, or one request.
type contents struct {
	certs   []*x509.Certificate // leaf first
	request *x509.CertificateRequest
}

// load reads what a positional argument names: a server, a file, or "-".
func load(ctx context.Context, env *cli.Env, remote *remoteFlags, name string) (*contents, error) {
	if addr, ok, err := remoteAddress(name); err != nil {
		return nil, err
	} else if ok {
		certs, err := remote.peerCertificates(ctx, env, addr)
		return &contents{certs: certs}, err
	}
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("error reading file %s: %w", name, err)
	}
	return parse(name, data)
}

// loadCertificates is load for commands that have no use for a request.
func loadCertificates(ctx context.Context, env *cli.Env, remote *remoteFlags, name string) ([]*x509.Certificate, error) {
	if addr, ok, err := remoteAddress(name); err != nil {
		return nil, err
	} else if ok {
		return remote.peerCertificates(ctx, env, addr)
	}
	data, err := env.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return keyfile.ParseCertificates(name, data)
}

func parse(name string, data []byte) (*contents, error) {
	certs, err := keyfile.ParseCertificates(name, data)
	if err == nil {
		return &contents{certs: certs}, nil
	}
	if request, err := keyfile.ParseCertificateRequest(name, data); err == nil {
		return &contents{request: request}, nil
	}
	if bytes.Contains(data, []byte(" CERTIFICATE")) {
		return nil, err // there is one, and the reader knows what is wrong with it
	}
	return nil, fmt.Errorf("file %s does not contain any valid CERTIFICATE or CERTIFICATE REQUEST blocks", name)
}
