package apiserver

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"stepca/ca"
)

// replyCertificate answers with an issued certificate: POST /sign, /renew and
// /rekey alike.
func (s *Server) replyCertificate(x *exchange, crt *ca.Certificate) error {
	if s.cfg.AccessLog != nil {
		x.note(certificateAttrs(crt)...)
	}
	return x.replyBytes(http.StatusCreated, "application/json", s.encoded.signResponse(crt.Chain))
}

// certificateAttrs describes a certificate in the access log.
func certificateAttrs(crt *ca.Certificate) []slog.Attr {
	leaf := crt.Leaf
	return []slog.Attr{
		slog.String("serial", leaf.SerialNumber.String()),
		slog.String("subject", leaf.Subject.CommonName),
		slog.String("issuer", leaf.Issuer.CommonName),
		slog.Any("sans", loggedNames(leaf)),
		slog.String("valid-from", leaf.NotBefore.UTC().Format(time.RFC3339)),
		slog.String("valid-to", leaf.NotAfter.UTC().Format(time.RFC3339)),
		slog.String("public-key", keyDescription(leaf)),
		slog.String("provisioner", loggedProvisioner(leaf, crt.Provisioner)),
		slog.String("certificate", base64.StdEncoding.EncodeToString(leaf.Raw)),
	}
}

func loggedNames(leaf *x509.Certificate) map[string][]string {
	names := map[string][]string{}
	for _, id := range ca.Names(leaf.DNSNames, leaf.IPAddresses, leaf.EmailAddresses, leaf.URIs) {
		names[string(id.Type)] = append(names[string(id.Type)], id.Value)
	}
	return names
}

func keyDescription(leaf *x509.Certificate) string {
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return leaf.PublicKeyAlgorithm.String()
}

// loggedProvisioner is "name (credential ID)", as the extension has them.
func loggedProvisioner(leaf *x509.Certificate, ref ca.ProvisionerRef) string {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(ca.OIDProvisioner) {
			continue
		}
		if ext, err := ca.ParseProvisionerExtension(e.Value); err == nil && len(ext.CredentialID) > 0 {
			return fmt.Sprintf("%s (%s)", ext.Name, ext.CredentialID)
		}
	}
	return ref.Name
}
