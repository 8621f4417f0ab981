package store

import (
	"context"
	"fmt"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// An Intent is written before a signature is asked of a key outside this
// process (an HSM, a cloud KMS, an upstream CA), and closed after: whatever
// crashes, no such signature goes without a record. It stays open if the outcome
// is unknown, and then says what may exist.
type Intent struct {
	Serial      string            `json:"serial"` // decimal; an upstream CA chooses another
	Issuer      string            `json:"issuer"`
	Provisioner ca.ProvisionerRef `json:"provisioner,omitzero"`
	Operation   ca.Operation      `json:"operation,omitempty"`
	RequestID   string            `json:"requestId,omitempty"`
	OpenedAt    time.Time         `json:"openedAt"` // zero in OpenIntent means now
	TBS         []byte            `json:"tbs"`      // DER of what is to be signed: TBSCertificate, or the request for an upstream CA

	// OneTime is spent with the intent, so that two racing requests ask for one
	// signature; nil for none.
	OneTime *ca.OneTimeID `json:"oneTime,omitempty"`

	// Order is updated when the intent is opened, so that of servers which share a
	// database one asks for a signature; nil for none. It is not stored.
	Order *ACMEOrderUpdate `json:"-"`
}

// OpenIntent stores what is about to be signed and spends its one-time ID. The
// error is ErrTokenUsed (kind ca.ErrUnauthorized), ErrSerialExists or ErrNonceUsed
// where that is the reason, or the refusal of the order. Record closes the intent that is passed in Issuance.Intent.
func (s *Store) OpenIntent(ctx context.Context, in *Intent) error {
	serial, err := parseSerial(in.Serial)
	if err != nil {
		return fmt.Errorf("opening an intent: %w", err)
	}
	rec := *in
	if rec.OpenedAt.IsZero() {
		rec.OpenedAt = s.nowUTC()
	}
	token, err := s.spending(in.OneTime)
	if err != nil {
		return err
	}
	intent, err := newInsertion(bucketIntents, serialKey(serial), &rec)
	if err != nil {
		return err
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		if s.tokensOnly {
			return token.write(tx)
		}
		if v, err := lookup(tx, bucketCertificates, intent.key); err != nil {
			return err
		} else if v != nil {
			return ErrSerialExists
		}
		if err := writeAll(tx, token, intent); err != nil {
			return err
		}
		return s.applyOrder(tx, in.Order)
	})
	return conflict(err, map[string]error{bucketTokens: errTokenUsed(), bucketIntents: ErrSerialExists, bucketNonces: errNonceUsed()})
}

// CloseIntent forgets an intent whose signature was certainly not made, and
// gives its one-time ID back.
func (s *Store) CloseIntent(ctx context.Context, in *Intent) error {
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		if err := deleteIntent(tx, in); err != nil {
			return err
		}
		return release(tx, in.OneTime)
	})
}

func deleteIntent(tx kv.Tx, in *Intent) error {
	if in == nil {
		return nil
	}
	serial, err := parseSerial(in.Serial)
	if err != nil {
		return fmt.Errorf("closing an intent: %w", err)
	}
	return tx.Delete(bucketIntents, serialKey(serial))
}

// Intents returns open intents: signatures under way, and those whose outcome a
// crash left unknown.
func (s *Store) Intents(ctx context.Context, p Page) (page []*Intent, next string, err error) {
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucketIntents, kv.Range{}, p, func(e kv.Entry) (*Intent, error) {
			return decode[Intent](bucketIntents, e.Key, e.Value)
		})
		return err
	})
	return page, next, err
}
