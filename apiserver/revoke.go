package apiserver

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"time"

	"stepca/api"
	"stepca/ca"
	"stepca/issue"
	"stepca/revocation"
	"stepca/store"
)

// revoke is POST /revoke, authenticated by a provisioner's token or by the
// certificate that is to be revoked.
func (s *Server) revoke(x *exchange) error {
	return s.observed(x, ca.RevokeX509, s.revokeX509)
}

// observed runs a revocation and tells the observer what became of it; a refusal
// is recorded as those of issuance are.
func (s *Server) observed(x *exchange, op ca.Operation, revoke func(*exchange, *ca.ProvisionerRef) error) error {
	ev := issue.Event{Operation: op}
	ev.Err = revoke(x, &ev.Provisioner)
	ev.Total = time.Since(x.start)
	if s.cfg.Revocations != nil {
		s.cfg.Revocations.Issued(ev)
	}
	if ev.Err != nil && s.cfg.Refusals != nil {
		s.cfg.Refusals.RecordRefusal(&store.Refusal{
			Operation: op, Provisioner: ev.Provisioner, RequestID: x.requestID, Reason: ev.Err.Error(),
		})
	}
	return ev.Err
}

// revokeX509 sets by as soon as it knows which provisioner vouches.
func (s *Server) revokeX509(x *exchange, by *ca.ProvisionerRef) error {
	var body api.RevokeRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	req := &revocation.Request{Serial: body.Serial, ReasonCode: body.ReasonCode, Reason: body.Reason, Passive: body.Passive}
	if err := req.Check(); err != nil {
		return err
	}
	if s.cfg.Revocation == nil {
		return ca.Hidden(ca.ErrNotImplemented, "revocation needs a database, and none is configured")
	}
	serial, err := revocation.ParseSerial(body.Serial)
	if err != nil {
		return err
	}
	x.note(
		slog.String("serial", serial.String()),
		slog.Int("reasonCode", body.ReasonCode),
		slog.String("reason", req.KeptReason()),
		slog.Bool("passiveOnly", body.Passive),
		slog.Bool("mTLS", body.Token == ""),
	)
	evidence, err := s.revokeEvidence(x, body.Token, serial.String())
	if err != nil {
		return err
	}
	*by = evidence.Provisioner
	if _, err := s.cfg.Revocation.Revoke(x.r.Context(), req, evidence); err != nil {
		return err
	}
	return x.reply(http.StatusOK, api.RevokeResponse{Status: "ok"})
}

// revokeEvidence verifies who asks.
func (s *Server) revokeEvidence(x *exchange, token, serial string) (*revocation.Evidence, error) {
	if token == "" {
		crt := peer(x.r)
		if crt == nil {
			return nil, ca.Errorf(ca.ErrMalformed, "missing ott or client certificate")
		}
		return &revocation.Evidence{Certificate: crt, Provisioner: s.provisionerOf(x.r.Context(), crt)}, nil
	}
	x.note(slog.Any("ott", loggedToken(token)))
	grant, err := s.cfg.Provisioners.Revoke(x.r.Context(), token, serial)
	if err != nil {
		return nil, err
	}
	return &revocation.Evidence{
		Token:       &revocation.Token{Subject: serial, OneTime: grant.OneTime},
		Provisioner: grant.Provisioner,
	}, nil
}

// provisionerOf returns the provisioner that a certificate was issued for, for
// the record; zero if it is not known, which does not keep its owner from
// revoking it.
func (s *Server) provisionerOf(ctx context.Context, crt *x509.Certificate) ca.ProvisionerRef {
	record, err := s.cfg.Records.X509Record(ctx, crt)
	if err != nil {
		return ca.ProvisionerRef{}
	}
	if p, ok := s.cfg.Provisioners.ByCertificate(crt, record); ok {
		return p.Ref()
	}
	return record.Provisioner
}
