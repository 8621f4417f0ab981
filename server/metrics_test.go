package server

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepca/ca"
	"stepca/issue"
)

func TestMetricsOfOutcomes(t *testing.T) {
	t.Parallel()
	m := newMetrics("1.2.3", time.Now())
	ref := ca.ProvisionerRef{Name: "admin"}
	m.Issued(issue.Event{Operation: ca.SignX509, Provisioner: ref, Sign: time.Millisecond, Store: time.Millisecond, Total: time.Millisecond})
	m.Issued(issue.Event{Operation: ca.SignX509, Provisioner: ref, Err: ca.Errorf(ca.ErrForbidden, "no")})
	m.Issued(issue.Event{Operation: ca.SignSSH, Provisioner: ref, Kind: "host", Sign: time.Millisecond})
	m.Issued(issue.Event{Operation: ca.RenewSSH, Err: ca.Errorf(ca.ErrUnauthorized, "no")})
	m.Issued(issue.Event{Operation: ca.RevokeX509, Provisioner: ref, Total: time.Millisecond})
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	page := w.Body.String()
	for _, want := range []string{
		`step_ca_x509_signed_total{provisioner="admin",success="true"} 1`,
		`step_ca_x509_signed_total{provisioner="admin",success="false"} 1`,
		`step_ca_refused_total{operation="x509-sign",provisioner="admin",reason="forbidden"} 1`,
		`step_ca_ssh_signed_total{provisioner="admin",success="true",type="host"} 1`,
		`step_ca_ssh_renewed_total{provisioner="",success="false",type="unknown"} 1`,
		`step_ca_x509_revoked_total{provisioner="admin",success="true"} 1`,
		`step_ca_build_info{goversion=`,
		`step_ca_uptime_seconds `,
		`step_ca_kms_signed 0`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(page, `step_ca_sign_seconds_count{operation="x509-revoke"}`) {
		t.Error("a revocation counts as a signature")
	}
}
