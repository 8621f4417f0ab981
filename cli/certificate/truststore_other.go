//go:build !linux && !darwin && !windows

package certificate

import (
	"context"
	"errors"
)

// systemStore stands for a system whose trust store is not known.
type systemStore struct{}

func newSystemStore(runner) trustStore { return systemStore{} }

var errNoSystemStore = errors.New("this system has no trust store that is known; install the certificate by hand")

func (systemStore) install(context.Context, *trustAnchor) error   { return errNoSystemStore }
func (systemStore) uninstall(context.Context, *trustAnchor) error { return errNoSystemStore }
