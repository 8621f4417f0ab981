package acmeserver

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"

	"stepca/acme"
	"stepca/ca"
	"stepca/keyfile"
	"stepca/revocation"
	"stepca/store"
)

// revokeCert revokes a certificate (RFC 8555 §7.6) at the request of the account
// that ordered it, of an account that controls all its names, or of whoever holds
// its key.
func (s *Server) revokeCert(x *exchange) error {
	crt, reason, err := x.revocationRequest()
	if err != nil {
		return err
	}
	rec, err := s.store.Certificate(x.r.Context(), crt.SerialNumber)
	switch {
	case errors.Is(err, ca.ErrNotFound):
		return ca.Errorf(ca.ErrNotFound, "the certificate was not issued by this server")
	case err != nil:
		return err
	case !bytes.Equal(rec.DER, crt.Raw) || rec.Provisioner.Type != ca.TypeACME.String():
		return ca.Errorf(ca.ErrNotFound, "the certificate was not issued through ACME by this server")
	}
	if err := x.mayRevoke(crt, rec); err != nil {
		return err
	}
	revoked, err := s.cfg.Revocation.Revoked(x.r.Context(), crt.SerialNumber)
	if err != nil {
		return err
	}
	if revoked != nil {
		return acme.NewProblem(acme.ProblemAlreadyRevoked, "")
	}
	text, known := reasonTexts[reason]
	if !known {
		return acme.NewProblem(acme.ProblemBadRevocationReason, "%d is not a CRLReason", reason)
	}
	_, err = s.cfg.Revocation.Revoke(x.r.Context(), &revocation.Request{
		Serial: crt.SerialNumber.String(), ReasonCode: reason, Reason: text, Passive: true,
	}, &revocation.Evidence{Certificate: crt, ACME: true, Provisioner: rec.Provisioner})
	if err != nil {
		return err
	}
	x.write(http.StatusOK, "", nil)
	return nil
}

// reasonTexts are the texts for the record, by CRLReason (RFC 5280 §5.3.1).
var reasonTexts = map[int]string{
	0: "unspecified reason", 1: "key compromised", 2: "ca compromised", 3: "affiliation changed", 4: "superseded",
	5: "cessation of operation", 6: "certificate hold", 8: "remove from crl", 9: "privilege withdrawn", 10: "aa compromised",
}

func (x *exchange) revocationRequest() (*x509.Certificate, int, error) {
	var req struct {
		Certificate string `json:"certificate"`
		Reason      int    `json:"reason"`
	}
	if err := x.decode(&req); err != nil {
		return nil, 0, err
	}
	der, err := acme.DecodeBase64URL(req.Certificate)
	if err != nil {
		return nil, 0, malformed("certificate is not base64url without padding")
	}
	crt, err := x509.ParseCertificate(der)
	if err != nil || crt.SerialNumber.Sign() <= 0 {
		return nil, 0, malformed("certificate is not a certificate in DER")
	}
	return crt, req.Reason, nil
}

// mayRevoke refuses a signer who has nothing to do with the certificate.
func (x *exchange) mayRevoke(crt *x509.Certificate, rec *store.Certificate) error {
	if x.account == nil {
		if keyfile.SamePublicKey(crt.PublicKey, x.key.Key) {
			return nil
		}
		return noAuthorization(crt)
	}
	if rec.AccountID == x.account.ID {
		return nil
	}
	// To search the account's orders in vain is work, which it may cause as seldom as
	// failed validations.
	failures := x.account.ID + " revocation"
	if wait := x.s.failures.empty(failures, x.s.now()); wait > 0 {
		return limited(wait, "certificates of others to be revoked")
	}
	controls, err := x.controlsAll(crt)
	if err != nil {
		return err
	}
	if !controls {
		x.s.failures.take(failures, x.s.now())
		return noAuthorization(crt)
	}
	return nil
}

func noAuthorization(crt *x509.Certificate) error {
	p := forbidden("")
	p.Detail = "No authorization provided"
	if crt.Subject.String() != "" {
		p.Detail += " for name " + crt.Subject.CommonName
	}
	return p
}

// controlsAll reports whether the account holds valid authorizations for all names
// in a certificate.
func (x *exchange) controlsAll(crt *x509.Certificate) (bool, error) {
	missing := make(map[acme.Identifier]bool)
	for _, id := range ca.Names(crt.DNSNames, crt.IPAddresses, crt.EmailAddresses, crt.URIs) {
		id.Value = strings.ToLower(id.Value)
		missing[id] = true
	}
	if len(missing) == 0 {
		return false, nil
	}
	page := store.Page{Limit: ordersPerPage}
	for searched := 0; searched < maxOrdersSearched; searched += ordersPerPage {
		next, err := x.strikeOut(missing, page)
		if err != nil || len(missing) == 0 {
			return len(missing) == 0, err
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	return false, nil
}

// strikeOut removes the names for which orders of a page hold valid authorizations.
func (x *exchange) strikeOut(missing map[acme.Identifier]bool, page store.Page) (next string, err error) {
	records, next, err := x.s.store.Orders(x.r.Context(), x.account.ID, page)
	if err != nil {
		return "", err
	}
	for _, rec := range records {
		o, err := acme.LoadOrder(rec)
		if err != nil {
			return "", err
		}
		for _, a := range o.Authorizations {
			if a.StatusAt(x.s.now()) != acme.StatusValid {
				continue
			}
			delete(missing, a.Name())
		}
	}
	return next, nil
}
