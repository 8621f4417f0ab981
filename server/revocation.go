package server

import (
	"stepca/issue"
	"stepca/revocation"
)

// revocationSettings are the part of the configuration that the long-lived
// revocation service takes over at a reload.
func (a *authority) revocationSettings() revocation.Settings {
	var set revocation.Settings
	for _, is := range a.cfg.AllIssuers() {
		au := a.issuer.Authority(is.Name)
		entry := revocation.Issuer{Name: is.Name, Certificate: au.Certificate(), Signer: au.Key, CRL: new(revocation.CRLSettings)}
		if c := is.CRL; c.IsEnabled() {
			*entry.CRL = revocation.CRLSettings{
				Enabled: true, GenerateOnRevoke: c.GenerateOnRevoke, CacheDuration: c.Cache(), RenewPeriod: c.Renew(),
			}
			// To RFC 5280 §6.3.3 and OpenSSL, a list with a distribution point is only
			// for certificates that name the same one. Ours name none but what the
			// configuration or a template has them name, so that the list has none
			// either by default, where the reference makes one up.
			if inherited := is.Name != issue.DefaultAuthority && c == a.cfg.CRL; !inherited {
				entry.IDPURL = c.IDPURL
			}
		}
		set.Issuers = append(set.Issuers, entry)
	}
	if a.ssh.signs() {
		set.SSHUserKeys, set.SSHHostKeys = a.ssh.trusted()
	}
	return set
}
