package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"time"

	"stepca/ca"
	"stepca/kv"
	"stepca/plainjson"
)

// A Certificate is the record of an issued X.509 certificate. Times are in UTC
// and whole seconds.
type Certificate struct {
	Serial      string                    `json:"serial"` // decimal
	Issuer      string                    `json:"issuer"` // name of our issuer that signed it
	Provisioner ca.ProvisionerRef         `json:"provisioner,omitzero"`
	RA          *ca.RegistrationAuthority `json:"ra,omitempty"`
	Operation   ca.Operation              `json:"operation,omitempty"`
	NotBefore   time.Time                 `json:"notBefore"`
	NotAfter    time.Time                 `json:"notAfter"`
	IssuedAt    time.Time                 `json:"issuedAt"` // zero in Record means now

	// Names are the subject alternative names, and the common name if it is not
	// among them: what the certificate can be found by.
	Names []ca.Identifier `json:"names,omitempty"`

	// KeyHash is the SHA-256 of the SubjectPublicKeyInfo; nil leaves the
	// certificate out of the index by key.
	KeyHash []byte `json:"keyHash,omitempty"`

	TokenID     string `json:"tokenId,omitempty"`     // one-time ID that was spent for it
	RenewedFrom string `json:"renewedFrom,omitempty"` // decimal serial number of its predecessor
	RequestID   string `json:"requestId,omitempty"`   // of the protocol edge

	// AccountID and OrderID say which ACME order asked for it.
	AccountID string `json:"accountId,omitempty"`
	OrderID   string `json:"orderId,omitempty"`

	DER []byte `json:"der"` // the certificate, without its chain
}

func (c *Certificate) writeMembers(w *plainjson.Writer) {
	w.Grow(usualMembers + base64.StdEncoding.EncodedLen(len(c.DER)))
	w.Text("serial", c.Serial)
	w.Text("issuer", c.Issuer)
	writeProvisioner(w, c.Provisioner)
	if ra := c.RA; ra != nil {
		w.Name("ra")
		w.Open('{')
		w.TextIfAny("authorityId", ra.AuthorityID)
		w.TextIfAny("endpointId", ra.EndpointID)
		w.TextIfAny("provisionerId", ra.ProvisionerID)
		w.TextIfAny("provisionerType", ra.ProvisionerType)
		w.TextIfAny("provisionerName", ra.ProvisionerName)
		w.Close('}')
	}
	w.TextIfAny("operation", string(c.Operation))
	w.Time("notBefore", c.NotBefore)
	w.Time("notAfter", c.NotAfter)
	w.Time("issuedAt", c.IssuedAt)
	if len(c.Names) > 0 {
		w.Name("names")
		w.Open('[')
		for _, name := range c.Names {
			writeIdentifier(w, name)
		}
		w.Close(']')
	}
	if len(c.KeyHash) > 0 {
		w.Bytes("keyHash", c.KeyHash)
	}
	w.TextIfAny("tokenId", c.TokenID)
	w.TextIfAny("renewedFrom", c.RenewedFrom)
	w.TextIfAny("requestId", c.RequestID)
	w.TextIfAny("accountId", c.AccountID)
	w.TextIfAny("orderId", c.OrderID)
	w.Bytes("der", c.DER)
}

// indexes returns the entries under which c is found; all of them follow from
// the record alone, so that they can be removed with it.
func (c *Certificate) indexes(key []byte) []index {
	since := append(appendTime(nil, c.IssuedAt), key...)
	list := make([]index, 0, 4+len(c.Names))
	list = append(list,
		index{bucketCertsByTime, since},
		index{bucketCertsByExpiry, append(appendTime(nil, c.NotAfter), key...)},
		index{bucketCertsByProv, join(provKey(c.Provisioner.ID), since)})
	if len(c.KeyHash) >= keyHashLen {
		list = append(list, index{bucketCertsByKey, join(c.KeyHash[:keyHashLen], since)})
	}
	for _, name := range c.Names {
		list = append(list, index{bucketCertsByName, join(nameKey(name), since)})
	}
	return list
}

// An Issuance is what Record writes in one transaction.
type Issuance struct {
	Certificate *Certificate

	// OneTime is spent; nil for none.
	OneTime *ca.OneTimeID

	// Intent is closed; nil for none. Its one-time ID was spent when it was
	// opened, so OneTime is nil then.
	Intent *Intent

	// Order is updated; nil for none.
	Order *ACMEOrderUpdate
}

// Record stores an issued certificate with its index entries and spends the
// one-time ID, all or nothing. The error is ErrTokenUsed (kind
// ca.ErrUnauthorized), ErrSerialExists or, where it renews a certificate that is
// revoked, of kind ca.ErrUnauthorized.
func (s *Store) Record(ctx context.Context, iss *Issuance) error {
	token, err := s.spending(iss.OneTime)
	if err != nil {
		return err
	}
	crt, err := s.certificateInsertion(iss.Certificate, iss.OneTime)
	if err != nil {
		return err
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		if s.tokensOnly {
			return token.write(tx)
		}
		if err := iss.Certificate.predecessor().check(tx); err != nil {
			return err
		}
		if err := writeAll(tx, token, crt); err != nil {
			return err
		}
		if err := deleteIntent(tx, iss.Intent); err != nil {
			return err
		}
		return s.applyOrder(tx, iss.Order)
	})
	return conflict(err, map[string]error{bucketTokens: errTokenUsed(), bucketCertificates: ErrSerialExists, bucketNonces: errNonceUsed()})
}

// certificateInsertion returns the record of c, for which the one-time ID (nil
// for none) is spent.
func (s *Store) certificateInsertion(c *Certificate, id *ca.OneTimeID) (*insertion, error) {
	rec := *c
	serial, err := parseSerial(rec.Serial)
	if err != nil {
		return nil, fmt.Errorf("recording a certificate: %w", err)
	}
	s.issuedAt(&rec.IssuedAt)
	if id != nil && rec.TokenID == "" {
		rec.TokenID = id.ID
	}
	key := serialKey(serial)
	return newInsertion(bucketCertificates, key, &rec, rec.indexes(key)...)
}

// Certificate returns the record of a serial number; kind ca.ErrNotFound if
// there is none.
func (s *Store) Certificate(ctx context.Context, serial *big.Int) (*Certificate, error) {
	c, err := s.certificate(ctx, serial)
	if err == nil && c == nil {
		err = ca.Errorf(ca.ErrNotFound, "certificate with serial number '%s' not found", serial)
	}
	return c, err
}

// certificate is Certificate with nil, nil for none.
func (s *Store) certificate(ctx context.Context, serial *big.Int) (c *Certificate, err error) {
	if serial.Sign() <= 0 || s.tokensOnly {
		return nil, nil
	}
	err = s.engine.View(ctx, func(r kv.Reader) error {
		c, err = load[Certificate](r, bucketCertificates, serialKey(serial))
		return err
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("certificate %s: %w", serial, err)
	}
	return c, err
}
