package pki

import (
	"net"
	"net/url"
	"strings"

	"stepca/config"
)

// configuration returns what the new CA's ca.json says.
func (p *PKI) configuration() *config.Config {
	o, at := p.opts, p.location
	tls := config.DefaultTLS()
	c := &config.Config{
		Root:     config.Roots{at.root},
		Crt:      at.intermediate,
		Key:      at.intermediateKey,
		Address:  o.Address,
		DNSNames: o.DNSNames,
		Logger:   &config.Logger{Format: "text"},
		TLS:      &tls,
	}
	if !o.NoDatabase {
		c.DB = &config.DB{Type: config.EnginePebble, DataSource: at.database}
	}
	if o.KMS != nil {
		c.KMS = o.KMS.Config
	}
	if o.SSH {
		c.SSH = &config.SSH{HostKey: at.sshHostKey, UserKey: at.sshUserKey}
		c.Templates = config.DefaultSSHTemplates()
	}
	if o.RA != nil {
		c.Crt, c.Key = "", ""
		c.Authority.Type = config.StepCAS
		c.Authority.CertificateAuthority = o.RA.URL
		c.Authority.CertificateAuthorityFingerprint = o.RA.Fingerprint
		c.Authority.CertificateIssuer = &config.CertificateIssuer{Type: "JWK", Provisioner: o.RA.Provisioner}
	}
	c.Authority.EnableAdmin = o.RemoteManagement
	if !o.RemoteManagement || o.StoreAdmin == nil {
		c.Authority.Provisioners = p.Provisioners
	}
	return c
}

func (p *PKI) clientDefaults() *config.ClientDefaults {
	u := p.opts.CAURL
	if u == "" {
		_, port, _ := net.SplitHostPort(p.opts.Address) // checked
		u = caURL(p.opts.DNSNames[0], port)
	}
	return &config.ClientDefaults{
		CAURL:       u,
		CAConfig:    p.location.config,
		Fingerprint: p.Fingerprint(),
		Root:        p.location.root,
	}
}

// caURL returns the URL of a CA. Unlike the reference's it has brackets around
// every IPv6 address.
func caURL(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != "443" {
		host += ":" + port
	}
	return (&url.URL{Scheme: "https", Host: host}).String()
}
