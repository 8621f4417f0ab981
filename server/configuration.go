package server

import (
	"errors"
	"fmt"

	"stepca/config"
	"stepca/kms"
)

// Check returns all that is wrong with a configuration, as far as the file itself
// tells: what config.Config.Check finds, and what this version has not, or the
// program that is linked with these key managers and databases.
func Check(cfg *config.Config, keys kms.Registry, engines map[string]EngineOpener) config.Faults {
	faults := append(unsupported(cfg), unlinked(cfg, keys, engines)...)
	faults = append(faults, cfg.Check()...)
	return append(faults.Errors(), faults.Warnings()...)
}

// unsupported returns the faults of a file that wants what there is not.
func unsupported(cfg *config.Config) config.Faults {
	var faults config.Faults
	if cfg.IsRA() {
		faults = append(faults, config.Fault{
			Path: "authority.type", Severity: config.SeverityError,
			Message:    fmt.Sprintf("type %q, a registration authority for another CA, is not supported by this version", cfg.Authority.Type),
			Suggestion: "leave it out, and give this CA an intermediate of its own with crt and key",
		})
	}
	ocsp := func(path string) {
		faults = append(faults, config.Fault{
			Path: path, Severity: config.SeverityError,
			Message: "this version answers no OCSP requests", Suggestion: "use crl.enabled",
		})
	}
	if cfg.OCSP.IsEnabled() {
		ocsp("ocsp.enabled")
	}
	for i, is := range cfg.Issuers {
		if is.OCSP.IsEnabled() {
			ocsp(fmt.Sprintf("issuers[%d].ocsp.enabled", i))
		}
	}
	if cfg.Authority.EnableAdmin {
		faults = append(faults, config.Fault{
			Path: "authority.enableAdmin", Severity: config.SeverityWarning,
			Message: "remote management is not part of this version: the admin API is not served, and the provisioners are those of this file",
		})
	}
	return faults
}

// unlinked returns the faults of a file that wants what another build may have.
func unlinked(cfg *config.Config, keys kms.Registry, engines map[string]EngineOpener) config.Faults {
	var faults config.Faults
	if err := keys.Check(kmsConfig(cfg)); errors.Is(err, kms.ErrUnsupported) {
		path := "kms.type"
		if cfg.KMS.Type == "" {
			path = "kms.uri"
		}
		faults = append(faults, config.Fault{Path: path, Severity: config.SeverityError, Message: err.Error()})
	}
	if db := cfg.DB; db != nil && db.Engine() != "" && engines[db.Engine()] == nil {
		faults = append(faults, config.Fault{
			Path: "db.type", Severity: config.SeverityError,
			Message: fmt.Sprintf("db.type %q is not supported by this build", db.Type),
		})
	}
	return faults
}

// loadConfig reads the file and refuses what Check calls an error. Warnings go
// to the log, one line each.
func (s *Server) loadConfig() (*config.Config, error) {
	cfg, err := config.Load(s.opts.ConfigFile)
	if err != nil {
		return nil, err
	}
	faults := Check(cfg, s.opts.KMS, s.opts.Engines)
	for _, f := range faults.Warnings() {
		s.log.Warn("configuration", "file", s.opts.ConfigFile, "fault", f.String())
	}
	if err := faults.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.opts.ConfigFile, err)
	}
	return cfg, nil
}
