package provisioner

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepca/ca"
)

// DeviceAttestation says which devices an ACME provisioner believes
// (draft-ietf-acme-device-attest).
type DeviceAttestation struct {
	// AttestationFormats are the attestation statements accepted, in any case;
	// empty means apple, step and tpm.
	AttestationFormats []string `json:"attestationFormats,omitempty"`

	// AttestationRoots is PEM; empty means the built-in roots of the vendors.
	AttestationRoots []byte `json:"attestationRoots,omitempty"`

	// RequirePermanentIdentifier refuses tpm attestations whose certificate names no
	// device. Compatible: the reference accepts them for any identifier, which is
	// safe only if the attestation CA knows whom it certifies.
	RequirePermanentIdentifier bool `json:"requirePermanentIdentifier,omitempty"`

	// Devices are the permanent identifiers that may be ordered; empty means any that
	// a device proves to be its own, whoever owns it.
	Devices []string `json:"devices,omitempty"`

	roots []*x509.Certificate // of AttestationRoots
}

func (d *DeviceAttestation) prepareAttestation() (err error) {
	for _, f := range d.AttestationFormats {
		if !slices.Contains(ca.AttestationFormats(), strings.ToLower(f)) {
			return fmt.Errorf("acme attestation format %q is not supported", f)
		}
	}
	d.roots, err = parseAttestationRoots(d.AttestationRoots)
	return err
}

func parseAttestationRoots(data []byte) ([]*x509.Certificate, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var roots []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("error parsing attestationRoots: malformed certificate")
		}
		roots = append(roots, root)
	}
	if len(roots) == 0 {
		return nil, errors.New("error parsing attestationRoots: no certificates found")
	}
	return roots, nil
}

// AcceptsAttestation reports whether the provisioner accepts a format of
// attestation statements.
func (d *DeviceAttestation) AcceptsAttestation(format string) bool {
	if len(d.AttestationFormats) == 0 {
		return format == ca.AttestationApple || format == ca.AttestationStep || format == ca.AttestationTPM
	}
	return containsFold(d.AttestationFormats, format)
}

// AllowsDevice reports whether a permanent identifier may be ordered.
func (d *DeviceAttestation) AllowsDevice(identifier string) bool {
	return len(d.Devices) == 0 || slices.Contains(d.Devices, identifier)
}

// Roots returns the configured attestation roots, nil for the built-in ones.
func (d *DeviceAttestation) Roots() []*x509.Certificate { return d.roots }
