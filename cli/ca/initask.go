package ca

import (
	"encoding/hex"
	"errors"
	"net"
	"strings"

	"stepca/ca"
	"stepca/cli"
	"stepca/config"
)

var errAdminSubject = errors.New("flag '--admin-subject' is only supported when '--remote-management' is enabled")

// An initQuestion is one that step ca init asks unless a flag has answered it.
type initQuestion struct {
	text, example string
	flag          string
	value         *string
	validate      func(string) error
}

// ask asks for what the flags leave open, in the order of the reference.
func (f *initFlags) ask(env *cli.Env) error {
	dns := strings.Join(f.opts.DNSNames, ",")
	name := initQuestion{"What would you like to name your new PKI?", "(e.g. Smallstep)", "name", &f.opts.Name, notEmpty}
	questions := []initQuestion{name}
	if f.opts.RA != nil {
		questions = []initQuestion{
			{"What is the url of your CA?", "(e.g. https://ca.smallstep.com:9000)", "issuer", &f.issuer.URL, validateURL},
			{"What is the fingerprint of the CA's root file?", "(e.g. 4fe5f5ef09e95c803fdcb80b8cf511e2a885eb86f3ce74e3e90e62fa3faf1531)", "issuer-fingerprint", &f.issuer.Fingerprint, validateFingerprint},
			{"What is the JWK provisioner you want to use?", "(e.g. you@smallstep.com)", "issuer-provisioner", &f.issuer.Provisioner, notEmpty},
		}
	}
	if !f.opts.PKIOnly {
		questions = append(questions,
			initQuestion{"What DNS names or IP addresses will clients use to reach your CA?", "(e.g. ca.example.com[,10.1.2.3,etc.])", "dns", &dns, validateNames},
			initQuestion{"What IP and port will your new CA bind to? (:443 will bind to 0.0.0.0:443)", "(e.g. :443 or 127.0.0.1:443)", "address", &f.opts.Address, validateAddress},
			initQuestion{"What would you like to name the CA's first provisioner?", "(e.g. you@smallstep.com)", "provisioner", &f.opts.Provisioner, notEmpty})
	}
	for _, q := range questions {
		if *q.value != "" {
			continue
		}
		env.Noticef("%s", q.text)
		answer, err := env.Prompt.Text(cli.Question{Label: q.example, Flag: q.flag, Validate: q.validate})
		if err != nil {
			return err
		}
		*q.value = answer
	}
	f.opts.DNSNames = config.SplitNames(dns)
	return nil
}

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("value is empty")
	}
	return nil
}

func validateURL(s string) error {
	if !strings.HasPrefix(s, "https://") {
		return errors.New("must begin with https://")
	}
	return nil
}

func validateFingerprint(s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		return errors.New("must be 64 hexadecimal digits")
	}
	return nil
}

func validateNames(s string) error {
	names := config.SplitNames(s)
	if len(names) == 0 {
		return errors.New("dns must not be empty")
	}
	for _, name := range names {
		id := ca.ParseSAN(name)
		if id.Type != ca.IP {
			id.Type = ca.DNS
		}
		if err := id.Validate(); err != nil {
			return err
		}
	}
	return nil
}

func validateAddress(s string) error {
	if _, _, err := net.SplitHostPort(s); err != nil {
		return errors.New(s + " is not an TCP address")
	}
	return nil
}
