package server

import (
	"context"
	"crypto"
	"errors"
	"io"
	"path/filepath"

	"stepca/config"
	"stepca/keyfile"
	"stepca/kms"
)

// kmsConfig says which key manager a configuration has its keys in.
func kmsConfig(cfg *config.Config) kms.Config {
	k := cfg.KMS
	c := kms.Config{Type: k.Kind()}
	if k != nil {
		c.URI, c.CredentialsFile, c.Region = k.URI, k.CredentialsFile, k.Region
		c.Profile, c.StorageDirectory = k.Profile, k.StorageDirectory
		c.PIN, c.ManagementKey = k.PIN, k.ManagementKey
	}
	return c
}

// openKMS opens the key manager of a configuration.
func (s *Server) openKMS(ctx context.Context, cfg *config.Config, password keyfile.Password) (kms.Engine, error) {
	c := kmsConfig(cfg)
	c.Password = password
	if c.StorageDirectory == "" {
		c.StorageDirectory = filepath.Join(s.opts.StepPath, "tpm")
	}
	return s.opts.KMS.Open(ctx, c)
}

// openKey opens a key of an authority. One with a password of its own, which is
// not zero, needs an engine of its own.
func (s *Server) openKey(ctx context.Context, a *authority, uri string, password keyfile.Secret) (kms.Signer, error) {
	engine := a.keys
	if !password.IsZero() {
		var err error
		if engine, err = s.openKMS(ctx, a.cfg, keyfile.FixedPassword(password.Reveal())); err != nil {
			return nil, err
		}
		a.more = append(a.more, engine)
	}
	key, err := engine.Signer(ctx, uri)
	if err != nil {
		return nil, err
	}
	return countedSigner{key, s.metrics}, nil
}

func (a *authority) closeKeys() error {
	err := a.keys.Close()
	for _, engine := range a.more {
		err = errors.Join(err, engine.Close())
	}
	return err
}

// A countedSigner counts the signatures of a key.
type countedSigner struct {
	kms.Signer
	m *metrics
}

// Sign implements crypto.Signer.
func (s countedSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.SignContext(context.Background(), digest, opts)
}

// SignContext implements kms.Signer.
func (s countedSigner) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := s.Signer.SignContext(ctx, digest, opts)
	if err != nil {
		s.m.kmsErrors.Inc()
		return nil, err
	}
	s.m.kmsSigned.Inc()
	return sig, nil
}
