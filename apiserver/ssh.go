package apiserver

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"slices"

	"golang.org/x/crypto/ssh"

	"stepca/api"
	"stepca/ca"
	"stepca/issue"
	"stepca/revocation"
)

// sshSign is POST /ssh/sign: a public key and a provisioner's one-time token give
// an SSH certificate, and an identity and an add-user certificate on request.
func (s *Server) sshSign(x *exchange) error {
	var body api.SSHSignRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	req, extras, err := s.sshSignRequest(x, &body)
	if err != nil {
		return err
	}
	return s.issueSSH(x, req, extras, s.cfg.Provisioners.SSH)
}

// sshSignRequest checks a body, in the order in which clients know the answers.
func (s *Server) sshSignRequest(x *exchange, body *api.SSHSignRequest) (*ca.SSHRequest, issue.SSHExtras, error) {
	var extras issue.SSHExtras
	if body.CertType != "" && body.CertType.Number() == 0 {
		return nil, extras, ca.Errorf(ca.ErrMalformed, "invalid certType '%s'", body.CertType)
	}
	if len(body.PublicKey) == 0 {
		return nil, extras, ca.Errorf(ca.ErrMalformed, "missing or empty publicKey")
	}
	if body.Token == "" {
		return nil, extras, ca.Errorf(ca.ErrMalformed, "missing or empty ott")
	}
	x.note(slog.Any("ott", loggedToken(body.Token)))
	if csr := body.IdentityCSR.CertificateRequest; csr != nil {
		if err := issue.CheckSelfSignature(csr); err != nil {
			return nil, extras, &ca.Error{Kind: ca.ErrBadCSR, Detail: "invalid identityCSR", Cause: err}
		}
		extras.Identity = identityRequest(x, csr, body.Token)
		extras.AuthorizeIdentity = s.cfg.Provisioners.Identity
	}
	if slices.Contains(body.Principals, "") {
		return nil, extras, ca.Errorf(ca.ErrMalformed, "principals cannot contain empty values")
	}
	key, err := parseSSHKey("publicKey", body.PublicKey)
	if err != nil {
		return nil, extras, err
	}
	if len(body.AddUserPublicKey) > 0 {
		if extras.AddUserKey, err = parseSSHKey("addUserPublicKey", body.AddUserPublicKey); err != nil {
			return nil, extras, err
		}
	}
	return &ca.SSHRequest{
		Operation: ca.SignSSH,
		ID:        x.requestID,
		PublicKey: key,
		Options: ca.SSHOptions{
			CertType:    body.CertType,
			KeyID:       body.KeyID,
			Principals:  body.Principals,
			ValidAfter:  body.ValidAfter,
			ValidBefore: body.ValidBefore,
		},
		UserData: body.TemplateData,
		Token:    body.Token,
	}, extras, nil
}

// identityRequest asks for the X.509 certificate that goes with an SSH one.
func identityRequest(x *exchange, csr *x509.CertificateRequest, token string) *ca.Request {
	return &ca.Request{Operation: ca.SignX509, ID: x.requestID, CSR: csr, Token: token}
}

// parseSSHKey parses a key in SSH wire format, which a field of the body holds.
func parseSSHKey(field string, wire []byte) (ssh.PublicKey, error) {
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return nil, &ca.Error{Kind: ca.ErrBadPublicKey, Detail: "error parsing " + field, Cause: err}
	}
	return key, nil
}

// sshRenew is POST /ssh/renew: the host certificate that a token proves to have
// is issued again.
func (s *Server) sshRenew(x *exchange) error {
	var body api.SSHRenewRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Token == "" {
		return ca.Errorf(ca.ErrMalformed, "missing or empty ott")
	}
	req := &ca.SSHRequest{Operation: ca.RenewSSH, ID: x.requestID, Token: body.Token}
	return s.issueSSHAgain(x, req, func(ctx context.Context, req *ca.SSHRequest) (*ca.Grant, error) {
		return s.cfg.Provisioners.SSHRenew(ctx, req, s.cfg.SSHRecords)
	})
}

// sshRekey is POST /ssh/rekey: sshRenew for another key.
func (s *Server) sshRekey(x *exchange) error {
	var body api.SSHRekeyRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	if body.Token == "" {
		return ca.Errorf(ca.ErrMalformed, "missing or empty ott")
	}
	if len(body.PublicKey) == 0 {
		return ca.Errorf(ca.ErrMalformed, "missing or empty public key")
	}
	key, err := parseSSHKey("publicKey", body.PublicKey)
	if err != nil {
		return err
	}
	req := &ca.SSHRequest{Operation: ca.RekeySSH, ID: x.requestID, PublicKey: key, Token: body.Token}
	return s.issueSSHAgain(x, req, func(ctx context.Context, req *ca.SSHRequest) (*ca.Grant, error) {
		return s.cfg.Provisioners.SSHRekey(ctx, req, s.cfg.SSHRecords)
	})
}

// issueSSHAgain renews the client certificate of the connection along with the
// SSH certificate, if it is its identity.
func (s *Server) issueSSHAgain(x *exchange, req *ca.SSHRequest, authorize issue.AuthorizeSSH) error {
	x.note(slog.Any("ott", loggedToken(req.Token)))
	var extras issue.SSHExtras
	if crt := peer(x.r); crt != nil {
		extras.Identity = &ca.Request{Operation: ca.RenewX509, ID: x.requestID, Peer: crt}
		extras.AuthorizeIdentity = func(ctx context.Context, req *ca.Request) (*ca.Grant, error) {
			return s.cfg.Provisioners.Renew(ctx, req, s.cfg.Records)
		}
	}
	return s.issueSSH(x, req, extras, authorize)
}

func (s *Server) issueSSH(x *exchange, req *ca.SSHRequest, extras issue.SSHExtras, authorize issue.AuthorizeSSH) error {
	certs, err := s.cfg.Issuer.SSH(x.r.Context(), req, extras, authorize)
	if err != nil {
		return err
	}
	if s.cfg.AccessLog != nil {
		x.note(sshCertificateAttrs(certs)...)
	}
	return x.replyBytes(http.StatusCreated, "application/json", sshSignResponse(certs))
}

// sshRevoke is POST /ssh/revoke, by a provisioner's token or by one that the key
// of the certificate signed.
func (s *Server) sshRevoke(x *exchange) error {
	return s.observed(x, ca.RevokeSSH, s.revokeSSH)
}

// revokeSSH sets by as soon as it knows which provisioner vouches.
func (s *Server) revokeSSH(x *exchange, by *ca.ProvisionerRef) error {
	var body api.RevokeRequest
	if err := x.decode(&body); err != nil {
		return err
	}
	req := &revocation.Request{Serial: body.Serial, ReasonCode: body.ReasonCode, Reason: body.Reason, Passive: body.Passive}
	if err := req.CheckSSH(); err != nil {
		return err
	}
	if body.Token == "" {
		return ca.Errorf(ca.ErrMalformed, "missing ott")
	}
	if s.cfg.Revocation == nil {
		return ca.Hidden(ca.ErrNotImplemented, "revocation needs a database, and none is configured")
	}
	x.note(
		slog.Any("ott", loggedToken(body.Token)),
		slog.String("serial", body.Serial),
		slog.Int("reasonCode", body.ReasonCode),
		slog.String("reason", req.KeptReason()),
		slog.Bool("passiveOnly", body.Passive),
		slog.Bool("mTLS", false),
		slog.Bool("ssh", true),
	)
	grant, err := s.cfg.Provisioners.SSHRevoke(x.r.Context(), body.Token, body.Serial)
	if err != nil {
		return err
	}
	*by = grant.Provisioner
	evidence := &revocation.Evidence{
		Token:       &revocation.Token{Subject: body.Serial, OneTime: grant.OneTime},
		Provisioner: grant.Provisioner,
	}
	if grant.SSH != nil {
		evidence.SSH = grant.SSH.Revoke
	}
	if err := s.cfg.Revocation.RevokeSSH(x.r.Context(), req, evidence); err != nil {
		return err
	}
	return x.reply(http.StatusOK, api.RevokeResponse{Status: "ok"})
}
