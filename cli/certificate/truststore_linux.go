package certificate

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"stepca/keyfile"
)

// systemStore is the directory of a distribution with its roots, and the
// program that makes bundles of them.
type systemStore struct {
	root string // "/", but for tests
	run  runner
}

func newSystemStore(run runner) trustStore { return &systemStore{root: "/", run: run} }

// layouts are those of the distributions: Fedora, Debian, SUSE, Arch, others.
var layouts = []struct {
	dir, suffix string
	update      []string
}{
	{"etc/pki/ca-trust/source/anchors", ".pem", []string{"update-ca-trust", "extract"}},
	{"usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}},
	{"usr/share/pki/trust/anchors", ".crt", []string{"update-ca-certificates"}},
	{"etc/ca-certificates/trust-source/anchors", ".crt", []string{"trust", "extract-compat"}},
	{"etc/ssl/certs", ".crt", []string{"trust", "extract-compat"}},
}

// locate returns the file of the anchor, and the program to be run after a change.
func (s *systemStore) locate(a *trustAnchor) (file string, update []string, err error) {
	for _, layout := range layouts {
		dir := filepath.Join(s.root, layout.dir)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return filepath.Join(dir, a.name+layout.suffix), layout.update, nil
		}
	}
	return "", nil, errors.New("this system has no trust store that is known; install the certificate by hand")
}

func (s *systemStore) install(ctx context.Context, a *trustAnchor) error {
	file, update, err := s.locate(a)
	if err != nil {
		return err
	}
	if err := s.run(ctx, true, keyfile.EncodeCertificates(a.cert), "tee", file); err != nil {
		return err
	}
	return s.run(ctx, true, nil, update[0], update[1:]...)
}

func (s *systemStore) uninstall(ctx context.Context, a *trustAnchor) error {
	file, update, err := s.locate(a)
	if err != nil {
		return err
	}
	if err := s.run(ctx, true, nil, "rm", "-f", file); err != nil {
		return err
	}
	return s.run(ctx, true, nil, update[0], update[1:]...)
}
