package ssh

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"path/filepath"
	"strings"

	"stepca/api"
	"stepca/ca"
	"stepca/cli"
	"stepca/cli/authority"
	"stepca/client"
	"stepca/config"
	"stepca/keyfile"
)

// identityPaths are the files of the X.509 certificate with which this machine
// or user connects to a CA that wants to see one.
type identityPaths struct{ file, crt, key string }

func identityFiles(p config.StepPath) identityPaths {
	dir := filepath.Join(p.Dir(), "identity")
	return identityPaths{p.Identity(), filepath.Join(dir, "identity.crt"), filepath.Join(dir, "identity_key")}
}

// An identityRequest is an X.509 certificate that is about to be asked for, with
// the SSH certificate.
type identityRequest struct {
	paths identityPaths
	key   crypto.Signer
	csr   *x509.CertificateRequest
}

// newIdentity prepares the request; nil if the CA asks nobody for a certificate.
func newIdentity(ctx context.Context, env *cli.Env, g *authority.Grant, s *subject, hostID string) (*identityRequest, error) {
	version, err := g.Client.Version(ctx)
	if err != nil || !version.RequireClientAuthentication {
		return nil, err
	}
	r := &identityRequest{paths: identityFiles(env.Path)}
	if r.key, err = keyfile.Generate(keyfile.KeySpec{}); err != nil {
		return nil, err
	}
	sans := append([]string{}, g.Claims.SANs...)
	if s.certType == ca.SSHHost {
		if hostID == "" {
			hostID = r.paths.hostID()
		}
		if hostID == "" {
			if hostID, err = machineID(); err != nil {
				return nil, err
			}
		}
		sans = append(sans, uuidPrefix+hostID)
	}
	r.csr, err = client.NewCSR(r.key, g.Claims.Subject, ca.ParseSANs(sans))
	return r, err
}

const uuidPrefix = "urn:uuid:"

// hostID is the UUID in the identity certificate that is there, or "".
func (p identityPaths) hostID() string {
	cert, err := keyfile.LoadCertificates(p.crt)
	if err != nil {
		return ""
	}
	for _, u := range cert[0].URIs {
		if id, ok := strings.CutPrefix(u.String(), uuidPrefix); ok {
			return id
		}
	}
	return ""
}

// save writes the files, if there was a request and it got an answer.
func (r *identityRequest) save(chain []api.CertPEM) error {
	if r == nil || len(chain) == 0 {
		return nil
	}
	key, err := keyfile.EncodePrivateKey(r.key, keyfile.Traditional, nil)
	if err != nil {
		return err
	}
	about, err := json.MarshalIndent(map[string]string{"type": "mTLS", "crt": r.paths.crt, "key": r.paths.key}, "", "   ")
	if err != nil {
		return err
	}
	return cli.WriteFiles(
		cli.NewFile{Name: r.paths.key, Data: key, Perm: keyfile.SecretPerm},
		cli.NewFile{Name: r.paths.crt, Data: keyfile.EncodeCertificates(api.Certificates(chain)...), Perm: keyfile.SecretPerm},
		cli.NewFile{Name: r.paths.file, Data: about, Perm: keyfile.SecretPerm},
	)
}

// withIdentity makes the client present the identity certificate, if there is
// one, so that it is renewed with the SSH certificate.
func withIdentity(env *cli.Env, c *client.Client) *client.Client {
	paths := identityFiles(env.Path)
	pair, err := tls.LoadX509KeyPair(paths.crt, paths.key)
	if err != nil || pair.Leaf == nil || env.Now().After(pair.Leaf.NotAfter) {
		return c // none, or one that gets nobody through the handshake
	}
	if with, err := c.WithCertificate(&pair); err == nil {
		return with
	}
	return c
}

// renewIdentity writes the renewed identity certificate, which has the key of
// the old one.
func renewIdentity(env *cli.Env, chain []api.CertPEM) error {
	if len(chain) == 0 {
		return nil
	}
	paths := identityFiles(env.Path)
	old, err := keyfile.LoadCertificates(paths.crt)
	if err != nil || !bytes.Equal(old[0].RawSubjectPublicKeyInfo, chain[0].RawSubjectPublicKeyInfo) {
		return nil
	}
	return cli.WriteFiles(cli.NewFile{Name: paths.crt, Data: keyfile.EncodeCertificates(api.Certificates(chain)...), Perm: keyfile.SecretPerm})
}
