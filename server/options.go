package server

import (
	"io"
	"net/url"
	"os"

	"golang.org/x/term"

	"stepca/acme"
	"stepca/apiserver"
	"stepca/config"
	"stepca/keyfile"
	"stepca/kms"
)

// Options are what the command line and the main program give a Server beside
// the configuration file.
type Options struct {
	ConfigFile string // ca.json; read at the start and at each reload
	StepPath   string // base of relative template paths
	Context    string // name of the current context, for the banner; "" for none
	Version    string

	// Password opens the issuers' keys; the zero value leaves it to the
	// configuration, and then to Prompt.
	Password keyfile.Secret

	// SSHHostPassword and SSHUserPassword open the SSH keys where their password is
	// another.
	SSHHostPassword, SSHUserPassword keyfile.Secret

	ACME ACMEOptions

	// Prompt asks at a terminal for the password of a key file; the zero value
	// if there is nobody to ask.
	Prompt keyfile.Password

	Quiet  bool // no banner
	Stderr io.Writer
	Getenv func(string) string

	KMS     kms.Registry
	Engines map[string]EngineOpener
}

// ACMEOptions change how ACME challenges are validated.
type ACMEOptions struct {
	HTTPPort, TLSPort int  // of http-01 and tls-alpn-01; zero means 80 and 443
	StrictFQDN        bool // look names up as they are, without search domains

	// HTTPProxy is where http-01 requests go through; nil, whatever the environment
	// says, connects to the servers themselves. The proxy has to refuse link-local
	// addresses, which are then not the CA's to refuse.
	HTTPProxy *url.URL

	// AndroidStatusFile has a copy of Google's list of revoked Android keys; "" is to
	// download the list.
	AndroidStatusFile string

	// Validator takes the place of the one that the options above make; nil for
	// none.
	Validator acme.Validator
}

// password returns how the keys of a configuration are opened: by the flag's
// password, else the configuration's, else by asking.
func (o *Options) password(cfg *config.Config) keyfile.Password {
	switch {
	case !o.Password.IsZero():
		return keyfile.FixedPassword(o.Password.Reveal())
	case !cfg.Password.IsZero():
		return keyfile.FixedPassword(cfg.Password.Reveal())
	}
	return o.Prompt
}

// accessLog makes the access log as the environment refines it.
func (o *Options) accessLog(format apiserver.LogFormat) *apiserver.AccessLog {
	l := apiserver.NewAccessLog(o.Stderr, format)
	l.QuietHealth = o.Getenv("STEP_LOGGER_ONLY_TRACE_HEALTH_ENDPOINT") == "true"
	l.RealIP = o.Getenv("STEP_LOGGER_LOG_REAL_IP") == "true"
	l.Color = o.colored()
	return l
}

// colored follows the conventions NO_COLOR and CLICOLOR_FORCE, and otherwise
// colours only what a person reads.
func (o *Options) colored() bool {
	if o.Getenv("NO_COLOR") != "" {
		return false
	}
	if force := o.Getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	f, ok := o.Stderr.(*os.File)
	return ok && o.Getenv("CLICOLOR") != "0" && term.IsTerminal(int(f.Fd()))
}
