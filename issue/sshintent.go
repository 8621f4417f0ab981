package issue

import (
	"context"
	"fmt"
	"strconv"

	"stepca/ca"
	"stepca/store"
)

// openSSHIntents is openIntent for all certificates of a request whose keys are
// outside this process. The first intent spends the one-time ID.
func (i *Issuer) openSSHIntents(ctx context.Context, req *ca.SSHRequest, b *sshBatch, grant *ca.Grant) ([]*store.Intent, error) {
	var intents []*store.Intent
	add := func(serial, issuer string, tbs []byte) {
		intents = append(intents, &store.Intent{
			Serial: serial, Issuer: issuer, Provisioner: grant.Provisioner,
			Operation: grant.Operation, RequestID: req.ID, TBS: tbs,
		})
	}
	for _, p := range []*preparedSSH{b.main, b.addUser} {
		if p != nil && p.key.signer.External() {
			add(strconv.FormatUint(p.crt.Serial, 10), store.SSHIssuer(sshType(p.crt)), sshSignedPart(p.crt, p.public, p.key.wire))
		}
	}
	if id := b.identity; id != nil && id.authority.Key.External() {
		tbs, err := id.toBeSigned()
		if err != nil {
			return nil, err
		}
		add(id.tbs.SerialNumber.String(), id.authority.Name, tbs.der)
	}
	for n, in := range intents {
		if n == 0 {
			in.OneTime = grant.OneTime
		}
		if err := i.cfg.Store.OpenIntent(ctx, in); err != nil {
			return nil, fmt.Errorf("recording the intent to sign: %w", err)
		}
	}
	return intents, nil
}
