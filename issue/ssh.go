package issue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/store"
)

// An AuthorizeSSH step turns the evidence in a request into a grant.
type AuthorizeSSH func(ctx context.Context, req *ca.SSHRequest) (*ca.Grant, error)

// SSHExtras are what may be asked for beside an SSH certificate. The zero value
// asks for nothing.
type SSHExtras struct {
	// AddUserKey is the key of a certificate that adds the user to hosts.
	AddUserKey ssh.PublicKey

	// Identity asks for an X.509 certificate to go with the SSH certificate, or
	// for the renewal of one, as AuthorizeIdentity allows; nil for none.
	Identity          *ca.Request
	AuthorizeIdentity Authorize
}

// SSHCertificates are what one request gave.
type SSHCertificates struct {
	Certificate *ssh.Certificate
	AddUser     *ssh.Certificate // nil for none

	// Wire and AddUserWire are what Marshal of the two returns, without its work.
	Wire, AddUserWire []byte

	Identity    *ca.Certificate // nil for none
	Provisioner ca.ProvisionerRef
}

// SSH answers req with certificates, or with the first step's refusal. It is the
// road of X509: all certificates of a request are checked before the first is
// signed, and recorded in one transaction.
func (i *Issuer) SSH(ctx context.Context, req *ca.SSHRequest, extras SSHExtras, authorize AuthorizeSSH) (certs *SSHCertificates, err error) {
	out := &outcome{Event: Event{Operation: req.Operation}, requestID: req.ID}
	start := time.Now()
	defer func() {
		out.Err, out.Total = err, time.Since(start)
		i.finish(out)
	}()

	out.step = "authorize" // who asks, and what they may have
	if i.ssh == nil {
		return nil, ca.Hidden(ca.ErrNotImplemented, "there is no SSH CA: set ssh.userKey or ssh.hostKey")
	}
	grant, err := authorize(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("authorizing: %w", err)
	}
	out.describeSSH(grant)
	if err := i.checkSSHRequest(req, extras, grant); err != nil {
		return nil, fmt.Errorf("authorizing: %w", err)
	}
	id, err := i.authorizeIdentity(ctx, extras, grant)
	if err != nil {
		return nil, fmt.Errorf("authorizing the identity: %w", err)
	}

	out.step = "render" // template → contents to be signed
	contents, err := i.renderSSH(req, grant)
	if err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	out.Kind = string(sshType(contents))

	out.step = "check" // everything that will be signed: reads, never changes
	batch, err := i.checkAll(contents, extras, id, grant)
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}

	out.step = "sign" // one use of a key for each certificate
	intents, err := i.openSSHIntents(ctx, req, batch, grant)
	if err != nil {
		return nil, err
	}
	signStart := time.Now()
	certs, err = i.signAll(ctx, batch)
	out.Sign = time.Since(signStart)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}

	out.step = "record" // one transaction: one-time ID, all certificates, indexes
	storeStart := time.Now()
	err = i.recordSSH(ctx, req, certs, id, grant, intents)
	out.Store = time.Since(storeStart)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	out.serial = strconv.FormatUint(certs.Certificate.Serial, 10)
	certs.Provisioner = grant.Provisioner
	if certs.Identity != nil {
		id.finish(i, certs.Identity, out.Event, start)
	}
	return certs, nil
}

// describeSSH says for whom the request is.
func (o *outcome) describeSSH(grant *ca.Grant) {
	o.Provisioner = grant.Provisioner
	o.Kind, o.subject = string(grant.SSH.Options.CertType), grant.SSH.Options.KeyID
	principals := grant.SSH.Options.Principals
	if old := grant.SSH.Renew; old != nil {
		o.Kind, o.subject, principals = string(sshType(old)), old.KeyId, old.ValidPrincipals
	}
	for _, p := range principals {
		o.names = append(o.names, ca.Identifier{Type: ca.Principal, Value: p})
	}
}

// sshType returns the type of a certificate, "" for one that does not exist.
func sshType(crt *ssh.Certificate) ca.SSHCertType {
	switch crt.CertType {
	case ssh.UserCert:
		return ca.SSHUser
	case ssh.HostCert:
		return ca.SSHHost
	}
	return ""
}

// preparedSSH contents have passed every check, as prepared ones of X.509.
type preparedSSH struct {
	crt    *ssh.Certificate // a private copy, without signature
	public []byte           // crt.Key in wire format
	key    *sshKey
	spent  atomic.Bool // set by sign; one signature each
}

// sign is the one use of the key.
func (p *preparedSSH) sign(ctx context.Context) (crt *ssh.Certificate, wire []byte, err error) {
	if p.spent.Swap(true) {
		return nil, nil, errSpent
	}
	wire, err = p.key.sign(ctx, p.crt, p.public)
	return p.crt, wire, err
}

// A sshBatch is all that one request has signed.
type sshBatch struct {
	main     *preparedSSH
	addUser  *preparedSSH // nil for none
	identity *prepared    // nil for none
}

// checkAll checks every certificate of a request before any is signed.
func (i *Issuer) checkAll(contents *ssh.Certificate, extras SSHExtras, id *identity, grant *ca.Grant) (*sshBatch, error) {
	var b sshBatch
	var err error
	if b.main, err = i.checkSSH(contents, grant); err != nil {
		return nil, err
	}
	if extras.AddUserKey != nil {
		if b.addUser, err = i.checkAddUser(contents, extras.AddUserKey); err != nil {
			return nil, err
		}
	}
	if id != nil {
		b.identity, err = i.checkIdentity(id, contents)
	}
	return &b, err
}

func (i *Issuer) signAll(ctx context.Context, b *sshBatch) (*SSHCertificates, error) {
	certs := new(SSHCertificates)
	var err error
	if certs.Certificate, certs.Wire, err = b.main.sign(ctx); err != nil {
		return nil, err
	}
	if b.addUser != nil {
		if certs.AddUser, certs.AddUserWire, err = b.addUser.sign(ctx); err != nil {
			return nil, err
		}
	}
	if b.identity != nil {
		leaf, err := i.sign(ctx, b.identity)
		if err != nil {
			return nil, err
		}
		certs.Identity = b.identity.authority.issued(leaf, ca.ProvisionerRef{})
	}
	return certs, nil
}

// recordSSH makes the issuance durable: after it, and only then, the
// certificates may leave.
func (i *Issuer) recordSSH(ctx context.Context, req *ca.SSHRequest, certs *SSHCertificates, id *identity, grant *ca.Grant, intents []*store.Intent) error {
	issuance := &store.SSHIssuance{OneTime: grant.OneTime, Intents: intents}
	if len(intents) > 0 {
		issuance.OneTime = nil // spent with the first intent
	}
	issuance.Certificates = []*store.SSHCertificate{i.sshRecord(req, certs.Certificate, certs.Wire, grant)}
	if certs.AddUser != nil {
		issuance.Certificates = append(issuance.Certificates, i.sshRecord(req, certs.AddUser, certs.AddUserWire, grant))
	}
	if certs.Identity != nil {
		certs.Identity.Provisioner = id.grant.Provisioner
		issuance.X509 = i.certificateRecord(id.req, certs.Identity.Leaf, id.grant, id.authority)
		if grant.OneTime != nil {
			issuance.X509.TokenID = grant.OneTime.ID
		}
	}
	err := i.cfg.Store.RecordSSH(ctx, issuance)
	if errors.Is(err, store.ErrSerialExists) { // a template chose it
		return &ca.Error{Kind: ca.ErrForbidden, Detail: fmt.Sprintf("a certificate with serial number %d was already issued", certs.Certificate.Serial), Cause: err}
	}
	return err
}

func (i *Issuer) sshRecord(req *ca.SSHRequest, crt *ssh.Certificate, wire []byte, grant *ca.Grant) *store.SSHCertificate {
	rec := &store.SSHCertificate{
		Serial:      crt.Serial,
		Type:        sshType(crt),
		KeyID:       crt.KeyId,
		Principals:  crt.ValidPrincipals,
		ValidAfter:  time.Unix(int64(crt.ValidAfter), 0).UTC(),
		ValidBefore: time.Unix(int64(crt.ValidBefore), 0).UTC(),
		IssuedAt:    i.cfg.Now().UTC(),
		Provisioner: grant.Provisioner,
		Operation:   grant.Operation,
		RequestID:   req.ID,
		Wire:        wire,
	}
	if grant.OneTime != nil {
		rec.TokenID = grant.OneTime.ID
	}
	if old := grant.SSH.Renew; old != nil {
		rec.RenewedFrom = fmt.Sprint(old.Serial)
	}
	return rec
}
