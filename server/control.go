package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/config"
)

// A control serves what commands on this machine change in the records of a CA
// whose database only this process can open. It listens on a Unix socket beside the
// database, which only the user that this process runs as may connect to.
type control struct {
	net net.Listener
	srv *http.Server
}

// controlSuffix follows the path of the database in that of the socket.
const controlSuffix = ".sock"

// controlSocket returns the path of the socket for a database, "" where there is
// none: a database server is there for everybody.
func controlSocket(db *config.DB) string {
	if !durable(db) || shared(db) {
		return ""
	}
	return filepath.Clean(db.DataSource) + controlSuffix // beside a directory, not in it
}

// newControl binds the socket; nil if there is none. A socket that is there
// already was left by a crash, since this process has the database.
func newControl(db *config.DB, keys *externalKeys) (*control, error) {
	path := controlSocket(db)
	if path == "" {
		return nil, nil
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		os.Remove(path) // if it stays, the next step fails and says so
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return &control{ln, &http.Server{Handler: controlHandler(keys), ReadHeaderTimeout: 10 * time.Second}}, nil
}

// serve serves until ctx ends.
func (c *control) serve(ctx context.Context) error {
	if c == nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { c.srv.Close() })
	defer stop()
	if err := c.srv.Serve(c.net); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close lets go of a socket that was never served.
func (c *control) close() error {
	if c == nil {
		return nil
	}
	return c.net.Close()
}

// Parameters of requests to the socket.
const (
	paramProvisioner = "provisioner"
	paramReference   = "reference"
	paramCursor      = "cursor"
	paramLimit       = "limit"
	paramID          = "id"
)

const controlKeys = "/acme/eab"

// externalKeyPage is a page of keys between processes.
type externalKeyPage struct {
	Keys []*acme.ExternalKey `json:"keys"`
	Next string              `json:"next,omitempty"`
}

func controlHandler(keys *externalKeys) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+controlKeys, func(w http.ResponseWriter, r *http.Request) {
		key, err := keys.AddExternalKey(r.Context(), r.FormValue(paramProvisioner), r.FormValue(paramReference))
		answerControl(w, key, err)
	})
	mux.HandleFunc("GET "+controlKeys, func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.FormValue(paramLimit)) // our own client wrote it
		page, next, err := keys.ExternalKeys(r.Context(), r.FormValue(paramProvisioner), r.FormValue(paramCursor), limit)
		answerControl(w, externalKeyPage{page, next}, err)
	})
	mux.HandleFunc("DELETE "+controlKeys, func(w http.ResponseWriter, r *http.Request) {
		err := keys.RemoveExternalKey(r.Context(), r.FormValue(paramProvisioner), r.FormValue(paramID))
		answerControl(w, struct{}{}, err)
	})
	return mux
}

func answerControl(w http.ResponseWriter, body any, err error) {
	switch {
	case errors.Is(err, ca.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		json.NewEncoder(w).Encode(body) // a caller that went away needs no answer
	}
}
