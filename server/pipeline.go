package server

import (
	"fmt"
	"time"

	"stepca/issue"
	"stepca/policy"
	"stepca/provisioner"
)

// buildProvisioners makes the provisioners of the file. One that cannot be used is
// there and refuses what it is asked for.
func (s *Server) buildProvisioners(a *authority, started time.Time) error {
	var list []provisioner.Provisioner
	for i, raw := range a.cfg.Authority.Provisioners {
		p, err := provisioner.Parse(raw)
		if err != nil {
			return fmt.Errorf("authority.provisioners[%d]: %w", i, err)
		}
		list = append(list, p)
	}
	userKeys, hostKeys := a.ssh.trusted()
	var err error
	a.provisioners, err = provisioner.NewCollection(list, provisioner.Config{
		Claims:               a.cfg.Authority.Claims,
		DNSNames:             a.cfg.ServerNames(),
		StepPath:             s.opts.StepPath,
		Roots:                pool(a.roots),
		SSHUserKeys:          userKeys,
		SSHHostKeys:          hostKeys,
		Started:              started,
		DisableIssuedAtCheck: a.cfg.Authority.DisableIssuedAtCheck,
		Log:                  s.log,
	})
	return err
}

// buildIssuer makes the pipeline. A template that cannot be parsed is reported
// now and refused when it is asked for: the other provisioners go on.
func (s *Server) buildIssuer(a *authority, issuers []*issue.Authority) error {
	cfg := issue.Config{
		Authorities: issuers,
		Store:       s.store,
		Lint:        issue.LintMode(a.cfg.Lint.Mode()),
		Observer:    s.metrics,
		Backdate:    a.cfg.Authority.BackdateDuration(),
	}
	if cfg.Backdate == 0 {
		cfg.Backdate = -1 // none, where zero would be the default
	}
	if a.cfg.Logger == nil { // else the access log has a line for each request
		cfg.Log = s.log
	}
	if t := a.cfg.Authority.Template; t != nil {
		cfg.Subject = *t
	}
	err := a.compilePolicies(&cfg)
	if err != nil {
		return err
	}
	if a.ssh.signs() {
		cfg.SSH = &a.ssh.signers
	}
	if a.issuer, err = issue.New(cfg); err != nil {
		return err
	}
	for _, t := range a.provisioners.Templates() {
		parse := a.issuer.ParseTemplate
		if t.SSH {
			parse = a.issuer.ParseSSHTemplate
		}
		if err := parse(t.Source); err != nil {
			s.log.Error("a template cannot be parsed: requests for it will be refused", "provisioner", t.Provisioner, "error", err)
		}
	}
	return nil
}

// compilePolicies puts the name policies into cfg: the authority's, and those of
// single provisioners by ID.
func (a *authority) compilePolicies(cfg *issue.Config) (err error) {
	if rules := a.cfg.Authority.Policy; rules != nil {
		if cfg.Policy, err = policy.NewX509(rules.X509); err != nil {
			return fmt.Errorf("authority.policy.x509: %w", err)
		}
		if cfg.SSHPolicy, err = policy.NewSSH(rules.SSH); err != nil {
			return fmt.Errorf("authority.policy.ssh: %w", err)
		}
	}
	cfg.ProvisionerPolicies = make(map[string]*policy.X509)
	cfg.ProvisionerSSHPolicies = make(map[string]*policy.SSH)
	for _, p := range a.provisioners.All() {
		if len(p.Policy()) == 0 {
			continue
		}
		rules, err := policy.Parse(p.Policy())
		if err != nil {
			return fmt.Errorf("policy of provisioner %q: %w", p.Ref().Name, err)
		}
		cfg.ProvisionerPolicies[p.Ref().ID] = rules.X509
		cfg.ProvisionerSSHPolicies[p.Ref().ID] = rules.SSH
	}
	return nil
}
