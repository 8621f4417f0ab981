package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"stepca/acme"
	"stepca/config"
)

// A Records is what commands on the machine of a CA may change in its database.
// Close it.
type Records interface {
	AddExternalKey(ctx context.Context, provisioner, reference string) (*acme.ExternalKey, error)
	ExternalKeys(ctx context.Context, provisioner, cursor string, limit int) ([]*acme.ExternalKey, string, error)
	RemoveExternalKey(ctx context.Context, provisioner, id string) error
	io.Closer
}

// OpenRecords opens the database of a configuration, or asks the server that has it
// open. Only the former needs the passwords of the keys.
func OpenRecords(ctx context.Context, opts Options, log *slog.Logger) (Records, error) {
	cfg, err := config.Load(opts.ConfigFile)
	if err != nil {
		return nil, err
	}
	if running := dialControl(ctx, cfg.DB); running != nil {
		return running, nil
	}
	return OpenOffline(ctx, opts, log)
}

// runningRecords is a server in another process.
type runningRecords struct{ http *http.Client }

// dialControl returns the server that has a database open, or nil if none answers.
func dialControl(ctx context.Context, db *config.DB) *runningRecords {
	path := controlSocket(db)
	if path == "" {
		return nil
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil
	}
	conn.Close()
	return &runningRecords{&http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Close implements Records.
func (r *runningRecords) Close() error {
	r.http.CloseIdleConnections()
	return nil
}

// AddExternalKey implements Records.
func (r *runningRecords) AddExternalKey(ctx context.Context, provisioner, reference string) (*acme.ExternalKey, error) {
	key := new(acme.ExternalKey)
	return key, r.do(ctx, http.MethodPost, url.Values{paramProvisioner: {provisioner}, paramReference: {reference}}, key)
}

// ExternalKeys implements Records.
func (r *runningRecords) ExternalKeys(ctx context.Context, provisioner, cursor string, limit int) ([]*acme.ExternalKey, string, error) {
	var page externalKeyPage
	err := r.do(ctx, http.MethodGet, url.Values{
		paramProvisioner: {provisioner}, paramCursor: {cursor}, paramLimit: {strconv.Itoa(limit)},
	}, &page)
	return page.Keys, page.Next, err
}

// RemoveExternalKey implements Records.
func (r *runningRecords) RemoveExternalKey(ctx context.Context, provisioner, id string) error {
	return r.do(ctx, http.MethodDelete, url.Values{paramProvisioner: {provisioner}, paramID: {id}}, nil)
}

// maxControlAnswer bounds what is read of an answer: a page of keys takes far less.
const maxControlAnswer = 16 << 20

func (r *runningRecords) do(ctx context.Context, method string, parameters url.Values, to any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://step-ca"+controlKeys+"?"+parameters.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return fmt.Errorf("asking the server that has the database open: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxControlAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer of the server that has the database open: %w", err)
	case resp.StatusCode != http.StatusOK:
		return errors.New(strings.TrimSpace(string(body)))
	case to == nil:
		return nil
	}
	return json.Unmarshal(body, to)
}
