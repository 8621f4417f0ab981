package ssh

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// describe writes a certificate as ssh-keygen -L does, and its signature.
func describe(name string, cert *ssh.Certificate) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "        "+format+"\n", args...) }
	fmt.Fprintf(&b, "%s:\n", name)
	line("Type: %s %s certificate", printable(cert.Type()), certType(cert))
	line("Public key: %s %s", keyKind(cert), openSSHFingerprint.fingerprint(cert))
	line("Signing CA: %s %s (using %s)", keyKind(cert.SignatureKey), openSSHFingerprint.fingerprint(cert.SignatureKey), printable(cert.Signature.Format))
	line(`Key ID: "%s"`, printable(cert.KeyId))
	line("Serial: %d", cert.Serial)
	line("Valid: %s", describeValidity(cert))
	list := func(title string, items []string) {
		if len(items) == 0 {
			line("%s: (none)", title)
			return
		}
		line("%s:", title)
		for _, item := range items {
			line("        %s", printable(item))
		}
	}
	list("Principals", cert.ValidPrincipals)
	list("Critical Options", options(cert.CriticalOptions))
	list("Extensions", options(cert.Extensions))
	line("Signature:")
	for bytes := range slices.Chunk(cert.Signature.Blob, 16) {
		line("        %s", strings.ReplaceAll(fmt.Sprintf("% x", bytes), " ", ":"))
	}
	return b.String()
}

// describeValidity is in local time without a zone, as OpenSSH has it.
func describeValidity(cert *ssh.Certificate) string {
	const layout = "2006-01-02T15:04:05"
	after, _ := certTime(cert.ValidAfter)
	before, bounded := certTime(cert.ValidBefore)
	switch {
	case bounded && cert.ValidAfter != 0:
		return fmt.Sprintf("from %s to %s", after.Local().Format(layout), before.Local().Format(layout))
	case bounded:
		return "before " + before.Local().Format(layout)
	case cert.ValidAfter != 0:
		return "after " + after.Local().Format(layout)
	}
	return "forever"
}

// options are critical options or extensions in the order of their names, which
// is how they are signed.
func options(m map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, strings.TrimSpace(name+" "+m[name]))
	}
	return list
}
