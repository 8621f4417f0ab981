package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// withCertmagic revokes the second certificate as well, which is the one in use.
func withCertmagic(ctx context.Context, w world) error {
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil },
		Logger:           zap.NewNop(),
	})
	defer cache.Stop()
	magic = certmagic.New(cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: "certmagic"}, Logger: zap.NewNop()})
	issuer := certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: w.directory, Email: "ops@example.com", Agreed: true, Profile: w.profile,
		ListenHost: "127.0.0.1", AltHTTPPort: w.port(), DisableTLSALPNChallenge: true,
		Logger: zap.NewNop(),
	})
	magic.Issuers = []certmagic.Issuer{issuer}

	if err := magic.ObtainCertSync(ctx, name); err != nil {
		return err
	}
	first, err := magic.CacheManagedCertificate(ctx, name)
	if err != nil {
		return err
	}
	if err := asked(ctx, magic.Storage); err != nil {
		return err
	}
	if err := magic.RenewCertSync(ctx, name, true); err != nil {
		return err
	}
	second, err := magic.CacheManagedCertificate(ctx, name)
	if err != nil {
		return err
	}
	if err := magic.RevokeCert(ctx, name, 4, false); err != nil {
		return err
	}
	if err := write("first.crt", encode(first)); err != nil {
		return err
	}
	return write("second.crt", encode(second))
}

// asked reports an error unless certmagic has stored when to renew the certificate.
func asked(ctx context.Context, storage certmagic.Storage) error {
	files, err := storage.List(ctx, "certificates", true)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasSuffix(file, name+".json") {
			continue
		}
		data, err := storage.Load(ctx, file)
		if err != nil {
			return err
		}
		var stored struct {
			Issuer struct {
				RenewalInfo struct {
					SuggestedWindow struct{ Start, End time.Time }
				} `json:"renewal_info"`
			} `json:"issuer_data"`
		}
		if err := json.Unmarshal(data, &stored); err != nil {
			return err
		}
		suggested := stored.Issuer.RenewalInfo.SuggestedWindow
		return window(suggested.Start, suggested.End)
	}
	return errors.New("certmagic has stored nothing of the certificate")
}

// encode returns a chain in PEM.
func encode(c certmagic.Certificate) []byte {
	var chain bytes.Buffer
	for _, der := range c.Certificate.Certificate {
		pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return chain.Bytes()
}
