package apiserver

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/issue"
)

// sshCertificateAttrs describes an SSH certificate in the access log.
func sshCertificateAttrs(certs *issue.SSHCertificates) []slog.Attr {
	crt := certs.Certificate
	kind := "user"
	if crt.CertType == ssh.HostCert {
		kind = "host"
	}
	return []slog.Attr{
		slog.Uint64("serial", crt.Serial), // a number, where X.509 has text
		slog.Any("principals", crt.ValidPrincipals),
		slog.String("valid-from", loggedSSHTime(crt.ValidAfter)),
		slog.String("valid-to", loggedSSHTime(crt.ValidBefore)),
		slog.String("certificate", base64.StdEncoding.EncodeToString(certs.Wire)),
		slog.String("certificate-type", crt.Type()+" "+kind+" certificate"),
		slog.String("public-key", fmt.Sprintf("%s (%s)", ssh.FingerprintSHA256(crt.Key), sshKeyName(crt.Type()))),
		slog.String("provisioner", certs.Provisioner.Name),
	}
}

func loggedSSHTime(seconds uint64) string {
	if seconds > math.MaxInt64 {
		return "forever"
	}
	return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
}

// sshKeyName is how ssh-keygen names a type of certificate: "ECDSA-CERT".
func sshKeyName(algorithm string) string {
	name := ""
	switch {
	case strings.HasPrefix(algorithm, "sk-ecdsa-"):
		name = "ECDSA-SK"
	case strings.HasPrefix(algorithm, "sk-ssh-ed25519"):
		name = "ED25519-SK"
	case strings.HasPrefix(algorithm, "ecdsa-"):
		name = "ECDSA"
	case strings.HasPrefix(algorithm, "ssh-ed25519"):
		name = "ED25519"
	case strings.HasPrefix(algorithm, "ssh-rsa"), strings.HasPrefix(algorithm, "rsa-"):
		name = "RSA"
	default:
		return algorithm
	}
	return name + "-CERT"
}
