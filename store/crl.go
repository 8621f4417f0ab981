package store

import (
	"context"
	"time"

	"stepca/kv"
)

// A CRLState is what outlives the process of an issuer's CRL.
type CRLState struct {
	Number     int64     `json:"number"` // of the newest CRL; RFC 5280 §5.2.3
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
}

// NextCRL reserves the number of an issuer's next CRL: greater than that of each
// before it, by whichever server; the first is 0.
func (s *Store) NextCRL(ctx context.Context, issuer string, thisUpdate, nextUpdate time.Time) (number int64, err error) {
	if s.tokensOnly {
		return 0, errNoDatabase()
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		last, err := load[CRLState](tx, bucketCRLs, textKey(issuer))
		if err != nil {
			return err
		}
		number = 0
		if last != nil {
			number = last.Number + 1
		}
		return put(tx, bucketCRLs, textKey(issuer), CRLState{number, thisUpdate.UTC(), nextUpdate.UTC()})
	})
	return number, err
}
