package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"stepca/api"
	"stepca/config"
	"stepca/internal/catest"
	"stepca/kms"
	"stepca/kms/soft"
	"stepca/kv"
	"stepca/kv/mem"
	"stepca/server"
)

// offlineSSH opens a CA in this process, whose routes are called without a network.
func offlineSSH(f *testing.F) (*catest.CA, *http.Client) {
	c := catest.Prepare(f, catest.Options{SSH: true})
	offline, err := server.OpenOffline(f.Context(), server.Options{
		ConfigFile: c.ConfigFile, StepPath: c.Dir, Getenv: func(string) string { return "" }, KMS: kms.Registry{kms.Soft: soft.Open},
		Engines: map[string]server.EngineOpener{
			config.EngineMemory: func(context.Context, *config.DB, *slog.Logger) (kv.Engine, error) { return mem.New(), nil },
		},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := offline.Close(); err != nil {
			f.Error(err)
		}
	})
	c.URL = offline.URL()
	return c, &http.Client{Transport: offline.Transport(nil)}
}

// FuzzSSHBodies sends whatever to the SSH routes: the answer is JSON, and never a
// failure of the server.
func FuzzSSHBodies(f *testing.F) {
	c, hc := offlineSSH(f)
	_, pub := sshKeys(f)
	key, hostPub := sshKeys(f)
	_, answer := c.Post(hc, api.PathSSHSign, map[string]any{"publicKey": hostPub.Marshal(), "ott": c.SSHToken("h1", map[string]any{"certType": "host"}, nil)})
	host := parseSigned(f, answer)
	paths := []string{
		api.PathSSHSign, api.PathSSHRenew, api.PathSSHRekey, api.PathSSHRevoke, api.PathSSHConfig, api.PathSSHCheckHost, api.PathSSHBastion,
	}
	for i, body := range []map[string]any{
		{"publicKey": pub.Marshal(), "ott": c.SSHToken("joe", nil, nil), "addUserPublicKey": pub.Marshal(), "validBefore": "1h", "principals": []string{"joe"}},
		{"ott": c.SSHPOPToken("renew", host.crt, key, "x")},
		{"ott": c.SSHPOPToken("rekey", host.crt, key, "x"), "publicKey": pub.Marshal()},
		{"ott": c.SSHRevokeToken("7"), "serial": "7", "passive": true, "reasonCode": 1},
		{"type": "host", "data": map[string]string{"Certificate": "c", "Key": "k"}},
		{"type": "host", "principal": "h1"},
		{"hostname": "h1", "user": "joe"},
	} {
		text, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, route uint8, body []byte) {
		path := paths[int(route)%len(paths)]
		resp, err := hc.Post(c.URL+path, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || !json.Valid(answer) || resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s with %q: %d %q, %v", path, body, resp.StatusCode, answer, err)
		}
	})
}
