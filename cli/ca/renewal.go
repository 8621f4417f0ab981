package ca

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
)

// A replacer is what step ca renew and step ca rekey differ in.
type replacer interface {
	// replace gets a successor of a certificate, writes it to its files, and
	// returns it.
	replace(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate) (*tls.Certificate, error)

	// writes are the files that replace overwrites.
	writes() []string

	// announce tells the user what was written. A daemon does not.
	announce(env *cli.Env)
}

// A renewal holds what step ca renew and step ca rekey have in common: the
// flags, when to act, and what to do afterwards.
type renewal struct {
	replacer replacer // the command; set before run

	conn         authority.Connection
	expiresIn    string
	period       string
	periodFlag   string // renew-period or rekey-period
	passwordFile string
	kms          string
	daemon       bool
	ifDue        bool
	force        bool
	hooks        hooks
	acme         acmeFlags

	done string // "renewed" or "rekeyed"
}

func (r *renewal) define(cmd *cobra.Command, verb string) {
	r.done, r.periodFlag = verb+"ed", verb+"-period"
	r.conn.Define(cmd)
	r.conn.DefineOffline(cmd, &r.passwordFile)
	flags := cmd.Flags()
	flags.StringVar(&r.expiresIn, "expires-in", "", "act only if the certificate expires within this `duration`")
	flags.StringVar(&r.passwordFile, "password-file", "", "a `file` with the password of the private key")
	flags.BoolVar(&r.daemon, "daemon", false, "keep running, and "+verb+" whenever the certificate is about to expire")
	flags.BoolVar(&r.ifDue, "if-due", false, "act only if the certificate is due: at the moment that its ACME server suggests, or else when a third of its validity is left")
	flags.StringVar(&r.period, r.periodFlag, "", "with --daemon, "+verb+" after each such `duration`")
	authority.DefineKMS(cmd, &r.kms)
	r.hooks.define(cmd)
	r.acme.define(cmd)
	cli.OnlyCommandLine(cmd, acmeFlagNames()...) // where others get certificates by ACME, renewing stays what it is
	cli.Force(cmd, &r.force)
}

// run reads the certificate and its key, and acts once or as a daemon.
func (r *renewal) run(env *cli.Env, cmd *cobra.Command, crtFile, keyFile string) error {
	if err := r.checkSource(env, cmd); err != nil {
		return err
	}
	when, err := r.schedule()
	if err != nil {
		return err
	}
	if err := r.hooks.check(cmd, env); err != nil {
		return err
	}
	crt, err := loadPair(cmd.Context(), env, r.kms, crtFile, keyFile, env.Password(r.passwordFile, "password-file"))
	if err != nil {
		return err
	}
	if err := when.check(crt, r.periodFlag); err != nil {
		return err
	}
	src, err := r.source(env, cmd, crt.Leaf)
	if err != nil {
		return err
	}
	defer src.close()
	if r.daemon {
		return r.runDaemon(cmd.Context(), env, src, crt, when)
	}
	return r.runOnce(cmd.Context(), env, src, crt, when)
}

// runOnce replaces the certificate, unless the flags say that it is too early.
func (r *renewal) runOnce(ctx context.Context, env *cli.Env, src *source, crt *tls.Certificate, when schedule) error {
	if !r.due(ctx, env, src, crt, when) {
		env.Noticef("certificate not %s: expires in %v", r.done, crt.Leaf.NotAfter.Sub(env.Now()).Round(time.Second))
		return nil
	}
	for _, name := range r.replacer.writes() {
		if err := mayOverwrite(env, name, r.force); err != nil {
			return err
		}
	}
	if _, err := r.replacer.replace(ctx, env, src, crt); err != nil {
		return err
	}
	r.replacer.announce(env)
	return r.hooks.run(ctx, env)
}

// checkSource refuses flags about where to renew that make no sense. Without
// --ca-url it must be possible that the certificate's record says where.
func (r *renewal) checkSource(env *cli.Env, cmd *cobra.Command) error {
	if err := r.acme.check(); err != nil {
		return err
	}
	if r.acme.directory != "" && r.conn.Offline.Enabled {
		return cli.IncompatibleFlags("offline", "acme")
	}
	_, err := r.conn.URL(cli.RequiredFlag(cmd, "ca-url"))
	if r.conn.CAURL == "" && (r.acme.directory != "" || r.conn.Offline.Enabled || haveRecords(env)) {
		return nil
	}
	return err
}

func (r *renewal) schedule() (schedule, error) {
	expiresIn, err := authority.ParseDuration("expires-in", r.expiresIn)
	if err != nil {
		return schedule{}, err
	}
	period, err := authority.ParseDuration(r.periodFlag, r.period)
	switch {
	case err != nil:
		return schedule{}, err
	case expiresIn != 0 && period != 0:
		return schedule{}, cli.MutuallyExclusive("expires-in", r.periodFlag)
	case r.ifDue && expiresIn != 0:
		return schedule{}, cli.MutuallyExclusive("if-due", "expires-in")
	case r.ifDue && r.daemon:
		return schedule{}, cli.MutuallyExclusive("if-due", "daemon")
	case period != 0 && !r.daemon:
		return schedule{}, cli.RequiredWithFlag(r.periodFlag, "daemon")
	}
	return schedule{expiresIn, period}, nil
}

// mayOverwrite is cli.Env.MayWrite with the errors that renewing has always had.
func mayOverwrite(env *cli.Env, name string, force bool) error {
	err := env.MayWrite(name, force)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*cli.NoTerminalError](err); ok {
		return fmt.Errorf("%w; use the '--force' flag to overwrite %s", cli.FileError(err), name)
	}
	return fmt.Errorf("unexpected error on %s: %w", name, err)
}
