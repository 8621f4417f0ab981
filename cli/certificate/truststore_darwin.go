package certificate

import "context"

// systemStore is the system keychain of macOS.
type systemStore struct{ run runner }

func newSystemStore(run runner) trustStore { return &systemStore{run} }

func (s *systemStore) install(ctx context.Context, a *trustAnchor) error {
	return s.run(ctx, true, nil, "security", "add-trusted-cert", "-d", "-k", "/Library/Keychains/System.keychain", a.file)
}

func (s *systemStore) uninstall(ctx context.Context, a *trustAnchor) error {
	return s.run(ctx, true, nil, "security", "remove-trusted-cert", "-d", a.file)
}
