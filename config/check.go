package config

import (
	"net"
	"strings"

	"stepca/ca"
	"stepca/kms"
)

// Check returns all that is wrong with the configuration, as far as the file
// itself tells. It opens nothing; see CheckFiles. The order of errors is the one
// in which the reference looks for them, so that the first is the one it has.
func (c *Config) Check() Faults {
	r := &report{}
	c.checkRequired(r)
	c.checkAddresses(r)
	c.TLS.check(r)
	c.KMS.check(r)
	c.Authority.checkType(r)
	c.SSH.check(r)
	c.Templates.check(r)
	c.CRL.check(r, "crl")
	c.Authority.check(r)
	c.checkProvisioners(r)
	c.Logger.check(r)
	c.DB.check(r)
	c.Monitoring.check(r)
	c.checkIssuers(r)
	c.checkDatabaseNeeds(r)
	c.checkUnknown(r)
	return r.sorted()
}

func (c *Config) checkRequired(r *report) {
	if c.Address == "" {
		r.errorf("address", "address cannot be empty").suggest(`give host:port, or :port for all interfaces`)
	}
	if c.DNSNames != nil && len(c.DNSNames) == 0 {
		r.errorf("dnsNames", "dnsNames cannot be empty")
	}
	if c.IsRA() {
		return
	}
	if len(c.Root) == 0 {
		r.errorf("root", "root cannot be empty")
	}
	for i, name := range c.Root {
		if name == "" {
			r.errorf(index("root", i), "root cannot be empty")
		}
	}
	if len(c.Issuers) > 0 && c.Crt == "" && c.Key == "" {
		return
	}
	if c.Crt == "" {
		r.errorf("crt", "crt cannot be empty")
	}
	if c.Key == "" {
		r.errorf("key", "key cannot be empty")
	}
}

func (c *Config) checkAddresses(r *report) {
	for _, a := range []struct{ key, value, text string }{
		{"address", c.Address, "invalid address"},
		{"metricsAddress", c.MetricsAddress, "invalid metrics address"},
		{"insecureAddress", c.InsecureAddress, "invalid insecure address"},
	} {
		if a.value == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			text := a.text + " " + a.value
			if a.key != "address" {
				text = a.text + ` "` + a.value + `"`
			}
			r.errorf(a.key, "%s", text).suggest("it is of the form host:port")
		}
	}
	for i, name := range c.DNSNames {
		at := index("dnsNames", i)
		if name == "" {
			r.errorf(at, "dnsNames cannot have an empty name")
			continue
		}
		if err := checkServerName(unbracketed(name)); err != nil {
			f := r.warnf(at, "%v, and clients will not find it in the server's certificate", err)
			if host, _, err := net.SplitHostPort(name); err == nil {
				f.suggest("leave out the port: %q", host)
			}
		}
	}
}

func checkServerName(name string) error {
	id := ca.ParseSAN(name)
	if id.Type != ca.IP {
		id.Type = ca.DNS
	}
	return id.Validate()
}

func (k *KMS) check(r *report) {
	if k == nil {
		return
	}
	if kind := k.Kind(); !kms.IsURI(kind + ":") {
		r.errorf("kms.type", "unsupported kms type %s", kind)
		return
	}
	if k.URI == "" {
		return
	}
	u, err := kms.ParseURI(k.URI)
	if err != nil {
		r.errorf("kms.uri", "%v", err)
	} else if k.Type != "" && !strings.EqualFold(u.Scheme, k.Type) {
		r.errorf("kms.uri", "error parsing %s: scheme not expected", u).suggest("kms.type is %s", k.Type)
	}
}

func (l *Logger) check(r *report) {
	if l == nil {
		return
	}
	switch strings.ToLower(l.Format) {
	case "", "text", "json", "common":
	default:
		r.errorf("logger.format", "unsupported logger.format '%s'", l.Format).suggest("the formats are text, json and common")
	}
}

func (d *DB) check(r *report) {
	if d == nil {
		return
	}
	engine := d.Engine()
	if engine == "" {
		r.errorf("db.type", "Error opening database of Type %s: %s database not supported", d.Type, strings.ToLower(d.Type)).
			suggest("the types are pebble, badger, bbolt, postgresql, mysql and memory")
	}
	if d.DataSource == "" && engine != "" && engine != EngineMemory {
		r.errorf("db.dataSource", "db.dataSource cannot be empty")
	}
	switch strings.ToLower(d.FileMode) {
	case "", "mmap", "memorymap", "fileio":
	default:
		r.errorf("db.badgerFileLoadingMode", "invalid loading mode '%s'", d.FileMode).suggest("the modes are MemoryMap and FileIO")
	}
	if ret := d.Retention; ret != nil {
		for _, f := range []struct {
			key string
			d   ca.Duration
		}{{"certificates", ret.Certificates}, {"revocations", ret.Revocations}} {
			if f.d < 0 {
				r.errorf("db.retention."+f.key, "db.retention.%s cannot be less than 0", f.key).suggest("leave it out to keep them forever")
			}
		}
	}
}

func (m *Monitoring) check(r *report) {
	switch {
	case m == nil || m.Type == "":
	case strings.EqualFold(m.Type, "newrelic"):
		r.warnf("monitoring.type", "monitoring with New Relic has no effect here").suggest("scrape metricsAddress instead")
	default:
		r.errorf("monitoring.type", "unsupported monitoring.type '%s'", m.Type)
	}
}

// checkDatabaseNeeds reports what cannot work without a database.
func (c *Config) checkDatabaseNeeds(r *report) {
	if c.DB != nil {
		return
	}
	if c.CRL.IsEnabled() {
		r.errorf("crl.enabled", "a CRL needs a database, and db is missing")
	}
	if c.OCSP.IsEnabled() {
		r.errorf("ocsp.enabled", "OCSP needs a database, and db is missing")
	}
	if c.Authority.EnableAdmin {
		r.errorf("authority.enableAdmin", "remote management needs a database, and db is missing")
	}
	for i, p := range c.Authority.ProvisionerNames() {
		if strings.EqualFold(p.Type, "ACME") {
			r.warnf(index("authority.provisioners", i), "no database is configured, so that ACME provisioners are disabled")
		}
	}
}
