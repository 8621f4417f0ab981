package authority

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"

	"stepca/cli"
	"stepca/client"
	"stepca/config"
	"stepca/keyfile"
)

// A configCA is a CA as its configuration file describes it.
type configCA struct {
	cfg  *config.Config
	list []*Provisioner
}

// newConfigCA refuses a configuration without provisioners, as one with remote
// management has them.
func newConfigCA(cfg *config.Config) (*configCA, error) {
	ca := &configCA{cfg, parseProvisioners(cfg.Authority.Provisioners)}
	if len(ca.list) == 0 {
		return nil, fmt.Errorf("error parsing %s: no provisioners found", cfg.File())
	}
	return ca, nil
}

func (ca *configCA) Provisioners(context.Context) ([]json.RawMessage, error) {
	return ca.cfg.Authority.Provisioners, nil
}

func (ca *configCA) EncryptedKey(_ context.Context, kid string) (string, error) {
	for _, p := range ca.list {
		if p.Key.KeyID == kid && p.EncryptedKey != "" {
			return p.EncryptedKey, nil
		}
	}
	return "", fmt.Errorf("%s has no encrypted key for the key ID %s; use the '--key' flag", ca.cfg.File(), kid)
}

// RootFingerprint is that of the root which the issuing certificate chains to.
func (ca *configCA) RootFingerprint(context.Context) (string, error) {
	chain, err := keyfile.LoadCertificates(ca.cfg.Crt)
	if err != nil {
		return "", cli.FileError(err)
	}
	for _, name := range ca.cfg.Root {
		roots, err := keyfile.LoadCertificates(name)
		if err != nil {
			return "", cli.FileError(err)
		}
		if root := issuer(chain[len(chain)-1], roots); root != nil {
			return client.Fingerprint(root), nil
		}
	}
	return "", fmt.Errorf("error parsing %s: no root certificate has issued %s", ca.cfg.File(), ca.cfg.Crt)
}

func issuer(crt *x509.Certificate, roots []*x509.Certificate) *x509.Certificate {
	for _, root := range roots {
		if root.Equal(crt) || crt.CheckSignatureFrom(root) == nil {
			return root
		}
	}
	return nil
}

// Audience is https and the first DNS name. It has no port and no /1.0, as
// tokens made offline always had it.
func (ca *configCA) Audience() string {
	name := ca.cfg.ServerNames()[0]
	if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
		name = "[" + name + "]"
	}
	return "https://" + name
}
