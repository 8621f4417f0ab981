package certificate

import (
	"context"
	"os"
	"path/filepath"
)

// systemStore is the store of trusted roots of Windows, changed with the
// certutil that comes with it (which is not that of NSS).
type systemStore struct{ run runner }

func newSystemStore(run runner) trustStore { return &systemStore{run} }

func (s *systemStore) certutil(ctx context.Context, args ...string) error {
	return s.run(ctx, false, nil, filepath.Join(os.Getenv("SystemRoot"), "System32", "certutil.exe"), args...)
}

func (s *systemStore) install(ctx context.Context, a *trustAnchor) error {
	return s.certutil(ctx, "-f", "-addstore", "ROOT", a.file)
}

func (s *systemStore) uninstall(ctx context.Context, a *trustAnchor) error {
	return s.certutil(ctx, "-delstore", "ROOT", a.cert.SerialNumber.Text(16))
}
