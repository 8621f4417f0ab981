package server

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/issue"
)

// TestSSHMetrics checks the names and labels that dashboards know, of requests
// that failed at any step among them.
func TestSSHMetrics(t *testing.T) {
	t.Parallel()
	m := newMetrics("test", time.Now())
	by := ca.ProvisionerRef{Name: "admin"}
	for _, ev := range []issue.Event{
		{Operation: ca.SignSSH, Provisioner: by, Kind: "user"},
		{Operation: ca.SignSSH, Provisioner: by, Kind: "host", Err: errors.New("the store is gone")},
		{Operation: ca.SignSSH, Err: ca.Hidden(ca.ErrUnauthorized, "no token")},
		{Operation: ca.RenewSSH, Provisioner: by, Kind: "host"},
		{Operation: ca.RekeySSH, Provisioner: by, Kind: "host"},
	} {
		m.Issued(ev)
	}
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`step_ca_ssh_signed_total{provisioner="admin",success="true",type="user"} 1`,
		`step_ca_ssh_signed_total{provisioner="admin",success="false",type="host"} 1`,
		`step_ca_ssh_signed_total{provisioner="",success="false",type="unknown"} 1`,
		`step_ca_ssh_renewed_total{provisioner="admin",success="true",type="host"} 1`,
		`step_ca_ssh_rekeyed_total{provisioner="admin",success="true",type="host"} 1`,
		`step_ca_refused_total{operation="ssh-sign",provisioner="",reason="unauthorized"} 1`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
