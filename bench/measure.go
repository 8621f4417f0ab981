package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"
)

// A bench is one run.
type bench struct {
	*options
	binary string // of the server
}

// fewRevoked is how many certificates are in the CRL for the first row of revoke.
const fewRevoked = 3000

// measure measures everything.
func (b *bench) measure(ctx context.Context) (*report, error) {
	rep := &report{Certificates: b.certificates}
	for _, part := range []func(context.Context, *report) error{b.fresh, b.acme, b.manyRevoked, b.manyCertificates} {
		if err := part(ctx, rep); err != nil {
			return nil, err
		}
	}
	return rep, nil
}

// with runs a server with further arguments until f returns.
func (b *bench) with(ctx context.Context, a *authority, f func(*process) error, args ...string) error {
	p, err := b.start(ctx, a, args...)
	if err != nil {
		return err
	}
	return errors.Join(f(p), p.stop())
}

// fresh measures the operations on a CA with little in its store.
func (b *bench) fresh(ctx context.Context, rep *report) error {
	revoke := revokeX509(fewRevoked, nil)
	list := []*operation{&health, &signX509, &renewX509, &signSSH, &revoke}
	if !slices.ContainsFunc(list, func(op *operation) bool { return b.only.MatchString(op.name) }) {
		return nil
	}
	a, err := b.newAuthority("fresh", true)
	if err != nil {
		return err
	}
	serials, err := a.fillCertificates(ctx, b.requests)
	if err != nil {
		return err
	}
	if err := a.fillRevoked(ctx, fewRevoked); err != nil {
		return err
	}
	revoke = revokeX509(fewRevoked, serials)
	return b.with(ctx, a, func(p *process) error { return b.rows(ctx, p, rep, list...) })
}

// acme measures ACME flows, and the memory of a server that did nothing else.
func (b *bench) acme(ctx context.Context, rep *report) (err error) {
	if b.flows == 0 || !b.only.MatchString(acmeFlow(nil).name) {
		return nil
	}
	w, err := newACMEWorld()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	a, err := b.newAuthority("acme", false)
	if err != nil {
		return err
	}
	op := acmeFlow(w)
	return b.with(ctx, a, func(p *process) error {
		if err := b.rows(ctx, p, rep, &op); err != nil {
			return err
		}
		rep.Flows = b.flows
		_, rep.FlowsPeak, err = p.memory()
		return err
	}, w.serverArguments()...)
}

// manyRevoked measures the revocation of certificates while many are revoked.
func (b *bench) manyRevoked(ctx context.Context, rep *report) error {
	if b.revoked == 0 || !b.only.MatchString(revokeX509(b.revoked, nil).name) {
		return nil
	}
	a, err := b.newAuthority("revoked", true)
	if err != nil {
		return err
	}
	serials, err := a.fillCertificates(ctx, b.requests)
	if err != nil {
		return err
	}
	if err := a.fillRevoked(ctx, b.revoked); err != nil {
		return err
	}
	revoke := revokeX509(b.revoked, serials)
	return b.with(ctx, a, func(p *process) error {
		if err := b.settle(ctx, p); err != nil {
			return err
		}
		return b.rows(ctx, p, rep, &revoke)
	})
}

// manyCertificates measures the start, memory and disk of a CA that has issued
// many.
func (b *bench) manyCertificates(ctx context.Context, rep *report) error {
	if b.certificates == 0 {
		return nil
	}
	a, err := b.newAuthority("certificates", false)
	if err != nil {
		return err
	}
	if _, err := a.fillCertificates(ctx, b.certificates); err != nil {
		return err
	}
	// The first start sorts what the fill left behind, as a CA that runs for long
	// does all the time; the second is the one that counts.
	if err := b.with(ctx, a, func(p *process) error { return b.settle(ctx, p) }); err != nil {
		return err
	}
	disk, err := diskUse(a.path("db"))
	if err != nil {
		return err
	}
	rep.DiskPerCertificate = float64(disk) / float64(b.certificates)
	return b.with(ctx, a, func(p *process) error {
		rep.Ready = p.ready
		if err := b.settle(ctx, p); err != nil {
			return err
		}
		if rep.Idle, _, err = p.memory(); err != nil {
			return err
		}
		sign := signX509
		sign.name, sign.file = "POST /sign, many stored", "sign-stored"
		if err := b.rows(ctx, p, rep, &sign); err != nil {
			return err
		}
		rep.Loaded, rep.Peak, err = p.memory()
		return err
	})
}

func (b *bench) newAuthority(name string, crl bool) (*authority, error) {
	return newAuthority(filepath.Join(b.dir, name), func(cfg map[string]any) {
		if crl {
			cfg["crl"] = map[string]any{"enabled": true, "generateOnRevoke": true}
		}
		if b.logger != "" {
			cfg["logger"] = map[string]any{"format": b.logger}
		}
	})
}

func (b *bench) rows(ctx context.Context, p *process, rep *report, list ...*operation) error {
	for _, op := range list {
		if !b.only.MatchString(op.name) {
			continue
		}
		r, err := b.row(ctx, p, op)
		if err != nil {
			return err
		}
		rep.Rows = append(rep.Rows, r)
	}
	return nil
}

// A server is idle if it uses less than idleShare of its processor.
const (
	idleWindow = 500 * time.Millisecond
	idleShare  = 50
	idleLimit  = time.Minute
)

// settle waits until the server does nothing any more.
func (b *bench) settle(ctx context.Context, p *process) error {
	var before time.Duration
	for end := time.Now().Add(idleLimit); time.Now().Before(end); {
		now, err := cpuTime(p.pid())
		if err != nil {
			return err
		}
		if before > 0 && now-before < idleWindow/idleShare {
			return nil
		}
		before = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(idleWindow):
		}
	}
	return errors.New("the server does not come to rest")
}
