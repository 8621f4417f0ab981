package issue

import (
	"context"
	"fmt"

	"stepca/ca"
	"stepca/store"
)

// openIntent records what a key outside this process is about to be asked to
// sign, so that a crash in between leaves no signature that no record explains.
// Keys in this process need none (nil): nothing leaves it before the record.
// An intent whose signature failed stays open, for nobody knows what was made.
// The order (nil for none) begins with it.
func (i *Issuer) openIntent(ctx context.Context, req *ca.Request, p *prepared, grant *ca.Grant, order *Order) (*store.Intent, error) {
	if !p.authority.Key.External() {
		return nil, nil
	}
	tbs, err := p.toBeSigned()
	if err != nil {
		return nil, err
	}
	in := &store.Intent{
		Serial:      p.tbs.SerialNumber.String(),
		Issuer:      p.authority.Name,
		Provisioner: grant.Provisioner,
		Operation:   grant.Operation,
		RequestID:   req.ID,
		TBS:         tbs.der,
		OneTime:     grant.OneTime,
		Order:       order.begin(),
	}
	if err := i.cfg.Store.OpenIntent(ctx, in); err != nil {
		return nil, fmt.Errorf("recording the intent to sign: %w", err)
	}
	order.spent(in.Order)
	return in, nil
}
