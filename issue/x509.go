package issue

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"stepca/ca"
	"stepca/kms"
	"stepca/store"
)

// An Authorize step turns the evidence in a request into a grant.
type Authorize func(ctx context.Context, req *ca.Request) (*ca.Grant, error)

// X509 answers req with a certificate, or with the first step's refusal.
func (i *Issuer) X509(ctx context.Context, req *ca.Request, authorize Authorize) (*ca.Certificate, error) {
	return i.x509(ctx, req, authorize, nil)
}

// x509 is the pipeline. The order (nil for none) is completed with the record.
func (i *Issuer) x509(ctx context.Context, req *ca.Request, authorize Authorize, order *Order) (crt *ca.Certificate, err error) {
	out := &outcome{Event: Event{Operation: req.Operation}, requestID: req.ID}
	start := time.Now()
	defer func() {
		out.Err, out.Total = err, time.Since(start)
		i.finish(out)
	}()

	out.step = "authorize" // who asks, and what they may have
	grant, err := authorize(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("authorizing: %w", err)
	}
	out.Provisioner, out.subject, out.names = grant.Provisioner, grant.Subject.CommonName, grant.SANs
	if err := checkRequest(req, grant); err != nil {
		return nil, fmt.Errorf("authorizing: %w", err)
	}
	authority, err := i.signing(grant.Issuer)
	if err != nil {
		return nil, err
	}

	out.step = "render" // template → contents to be signed
	contents, err := i.render(req, grant, authority)
	if err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}

	out.step = "check" // names, validity, key, policy, lint: reads, never changes
	ready, err := i.check(contents, grant, authority)
	if err != nil {
		return nil, fmt.Errorf("checking: %w", err)
	}

	out.step = "sign" // the one use of the issuer's key
	intent, err := i.openIntent(ctx, req, ready, grant, order)
	if err != nil {
		return nil, err
	}
	signStart := time.Now()
	leaf, err := i.sign(ctx, ready)
	out.Sign = time.Since(signStart)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}

	out.step = "record" // one transaction: one-time ID, certificate, indexes
	storeStart := time.Now()
	err = i.record(ctx, req, leaf, grant, authority, intent, order)
	out.Store = time.Since(storeStart)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	out.serial = leaf.SerialNumber.String()
	return authority.issued(leaf, grant.Provisioner), nil
}

// issued returns a new certificate with its chain.
func (a *Authority) issued(leaf *x509.Certificate, by ca.ProvisionerRef) *ca.Certificate {
	return &ca.Certificate{
		Leaf:        leaf,
		Chain:       append([]*x509.Certificate{leaf}, a.Chain...),
		Issuer:      a.Name,
		Provisioner: by,
	}
}

// prepared contents have passed every check. Only check makes one and sign takes
// nothing else, so unchecked contents cannot reach the key.
type prepared struct {
	tbs       *x509.Certificate // a private copy: nobody can change it any more
	pub       crypto.PublicKey
	authority *Authority
	spent     atomic.Bool // set by sign; one signature each
}

var errSpent = errors.New("prepared contents were already signed")

// sign is the one use of the issuer's key.
func (i *Issuer) sign(ctx context.Context, p *prepared) (*x509.Certificate, error) {
	if p.spent.Swap(true) {
		return nil, errSpent
	}
	tbs, err := p.toBeSigned()
	if err != nil {
		return nil, err
	}
	key := p.authority.Key
	signature, err := crypto.SignMessage(kms.WithContext(ctx, key), rand.Reader, tbs.der, tbs.opts)
	if err != nil {
		return nil, err
	}
	der, err := tbs.certificate(signature)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil || !key.External() {
		return leaf, err
	}
	// Hardware and networks may fail in ways of their own. A key in this process
	// is the standard library's, and to check it costs more than its signature.
	if err := p.authority.Certificate().CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		return nil, fmt.Errorf("issuer %q: the key made a signature that its certificate does not verify: %w", p.authority.Name, err)
	}
	return leaf, nil
}

// record makes the issuance durable: after it, and only then, the certificate
// may leave.
func (i *Issuer) record(ctx context.Context, req *ca.Request, leaf *x509.Certificate, grant *ca.Grant, authority *Authority, intent *store.Intent, order *Order) error {
	rec := i.certificateRecord(req, leaf, grant, authority)
	issuance := &store.Issuance{Certificate: rec, OneTime: grant.OneTime, Intent: intent}
	if intent != nil {
		issuance.OneTime = nil // spent with the intent
	}
	order.addTo(issuance, leaf)
	err := i.cfg.Store.Record(ctx, issuance)
	if err == nil {
		order.spent(issuance.Order)
	}
	if errors.Is(err, store.ErrSerialExists) { // a template chose it
		return &ca.Error{Kind: ca.ErrForbidden, Detail: fmt.Sprintf("a certificate with serial number %s was already issued", rec.Serial), Cause: err}
	}
	return err
}

func (i *Issuer) certificateRecord(req *ca.Request, leaf *x509.Certificate, grant *ca.Grant, authority *Authority) *store.Certificate {
	keyHash := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	rec := &store.Certificate{
		Serial:      leaf.SerialNumber.String(),
		DER:         leaf.Raw,
		Issuer:      authority.Name,
		Provisioner: grant.Provisioner,
		RA:          grant.RA,
		Operation:   grant.Operation,
		RequestID:   req.ID,
		NotBefore:   leaf.NotBefore,
		NotAfter:    leaf.NotAfter,
		IssuedAt:    i.cfg.Now().UTC(),
		Names:       leafNames(leaf),
		KeyHash:     keyHash[:],
	}
	if grant.OneTime != nil {
		rec.TokenID = grant.OneTime.ID
	}
	if grant.Renew != nil {
		rec.RenewedFrom = grant.Renew.SerialNumber.String()
	}
	return rec
}

// leafNames returns the subject's common name, where no alternative name repeats
// it, and the alternative names.
func leafNames(leaf *x509.Certificate) []ca.Identifier {
	names := ca.Names(leaf.DNSNames, leaf.IPAddresses, leaf.EmailAddresses, leaf.URIs)
	cn := leaf.Subject.CommonName
	if cn == "" {
		return names
	}
	for _, id := range names {
		if id.Value == cn {
			return names
		}
	}
	return append([]ca.Identifier{{Type: ca.CommonName, Value: cn}}, names...)
}
