package issue

import (
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// The critical options that OpenSSH knows, all of them for user certificates.
const (
	optionForceCommand   = "force-command"
	optionSourceAddress  = "source-address"
	optionVerifyRequired = "verify-required"
)

// checkCriticalOptions refuses options that make a certificate useless: OpenSSH
// refuses a certificate with one that it does not know, also those that other
// servers define (name@example.com).
func checkCriticalOptions(crt *ssh.Certificate) error {
	for _, name := range sortedNames(crt.CriticalOptions) {
		value := crt.CriticalOptions[name]
		if err := checkOptionText("critical option", name, value); err != nil {
			return err
		}
		if crt.CertType == ssh.HostCert {
			return ca.Errorf(ca.ErrForbidden, "ssh host certificates have no critical option %q", name)
		}
		switch name {
		case optionForceCommand:
			if value == "" || strings.Contains(value, "\x00") {
				return ca.Errorf(ca.ErrForbidden, "ssh critical option %q is empty or has a zero octet", name)
			}
		case optionVerifyRequired:
			if value != "" {
				return ca.Errorf(ca.ErrForbidden, "ssh critical option %q takes no value", name)
			}
		case optionSourceAddress:
			if err := checkSourceAddress(value); err != nil {
				return err
			}
		default:
			return ca.Errorf(ca.ErrForbidden, "ssh critical option %q is unknown, and OpenSSH would refuse the certificate", name)
		}
	}
	return nil
}

// checkSourceAddress checks a list of addresses and networks in CIDR form. To
// OpenSSH a network with bits set behind its mask is an error.
func checkSourceAddress(list string) error {
	for _, s := range strings.Split(list, ",") {
		if p, err := netip.ParsePrefix(s); err == nil && p == p.Masked() {
			continue
		}
		if a, err := netip.ParseAddr(s); err != nil || a.Zone() != "" {
			return ca.Errorf(ca.ErrForbidden, "ssh critical option %q: %q is neither an address nor a network", optionSourceAddress, s)
		}
	}
	return nil
}

// checkExtensions refuses a value where OpenSSH expects none, and would refuse the
// certificate. Extensions that it does not know it ignores.
func checkExtensions(crt *ssh.Certificate) error {
	for _, name := range sortedNames(crt.Extensions) {
		value := crt.Extensions[name]
		if err := checkOptionText("extension", name, value); err != nil {
			return err
		}
		switch name {
		case "no-touch-required", "permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc":
			if value != "" {
				return ca.Errorf(ca.ErrForbidden, "ssh extension %q takes no value, and OpenSSH would refuse the certificate", name)
			}
		}
	}
	return nil
}

func checkOptionText(what, name, value string) error {
	if name == "" {
		return ca.Errorf(ca.ErrForbidden, "ssh %s has an empty name", what)
	}
	if err := checkSSHText(what, name); err != nil {
		return err
	}
	if len(value) > maxSSHOption {
		return ca.Errorf(ca.ErrForbidden, "value of ssh %s %q is longer than %d bytes", what, name, maxSSHOption)
	}
	return nil
}
