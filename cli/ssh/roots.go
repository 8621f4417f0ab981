package ssh

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/client"
)

// errNoSSH is the error of everything that needs an SSH CA.
var errNoSSH = errors.New("step certificates is not configured with SSH support")

// sshRoots returns the keys of the CA, or those of its federation too.
func sshRoots(ctx context.Context, c *client.Client, federation bool) (*api.SSHRoots, error) {
	get := c.SSHRoots
	if federation {
		get = c.SSHFederation
	}
	roots, err := get(ctx)
	if e, ok := errors.AsType[*api.Error](err); ok && e.Status == http.StatusNotFound {
		return nil, errNoSSH
	}
	return roots, err
}

// userSigners returns the keys that sign user certificates.
func userSigners(ctx context.Context, c *client.Client) ([]ssh.PublicKey, error) {
	roots, err := sshRoots(ctx, c, false)
	if err != nil {
		return nil, err
	}
	keys := make([]ssh.PublicKey, len(roots.UserKeys))
	for i, key := range roots.UserKeys {
		keys[i] = key.PublicKey
	}
	return keys, nil
}

// patience is how long a command waits for an authority without which it can go
// on: ssh runs some of them before it connects to any host at all.
const patience = 5 * time.Second

// promptSigners is userSigners for those commands.
func promptSigners(ctx context.Context, c *client.Client) ([]ssh.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return userSigners(ctx, c)
}

// isUnreachable reports whether an error of a request means that the authority has
// not answered, rather than that it has refused something.
func isUnreachable(err error) bool {
	if e, ok := errors.AsType[*api.Error](err); ok {
		// What stands in front of one that does not answer says so.
		return e.Status == http.StatusBadGateway || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout
	}
	_, ok := errors.AsType[*client.RequestError](err)
	return ok
}
