package issue

import (
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ssh"
)

// sshSignedPart returns the bytes under the signature (OpenSSH PROTOCOL.certkeys):
// all of the wire format but the signature itself. The two keys, crt.Key and the
// CA's, are given in wire format.
//
// The method Marshal of the certificate gives the same, by reflection and from
// keys that are encoded for each use, at a tenth of the cost of a signature.
func sshSignedPart(crt *ssh.Certificate, key, signatureKey []byte) []byte {
	options, extensions := sshOptions(crt.CriticalOptions), sshOptions(crt.Extensions)
	var principals []byte
	for _, p := range crt.ValidPrincipals {
		principals = appendSSHString(principals, p)
	}
	const fixed = 256 // what the certificate's type, numbers and length fields take, and some for the signature
	wire := make([]byte, 0, fixed+len(crt.Nonce)+len(key)+len(crt.KeyId)+len(principals)+
		len(options)+len(extensions)+len(crt.Reserved)+len(signatureKey))
	wire = appendSSHString(wire, crt.Type())
	wire = appendSSHString(wire, crt.Nonce)
	wire = append(wire, sshKeyFields(key)...)
	wire = binary.BigEndian.AppendUint64(wire, crt.Serial)
	wire = binary.BigEndian.AppendUint32(wire, crt.CertType)
	wire = appendSSHString(wire, crt.KeyId)
	wire = appendSSHString(wire, principals)
	wire = binary.BigEndian.AppendUint64(wire, crt.ValidAfter)
	wire = binary.BigEndian.AppendUint64(wire, crt.ValidBefore)
	wire = appendSSHString(wire, options)
	wire = appendSSHString(wire, extensions)
	wire = appendSSHString(wire, crt.Reserved)
	return appendSSHString(wire, signatureKey)
}

// sshOptions encodes critical options or extensions, which are sorted by name. A
// value is a string within a string, except that none is an empty one.
func sshOptions(options map[string]string) []byte {
	var b []byte
	for _, name := range sortedNames(options) {
		b = appendSSHString(b, name)
		value := options[name]
		if value == "" {
			b = appendSSHString(b, value)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(4+len(value)))
		b = appendSSHString(b, value)
	}
	return b
}

// sshSignature encodes a signature.
func sshSignature(s *ssh.Signature) []byte {
	return append(appendSSHString(appendSSHString(nil, s.Format), s.Blob), s.Rest...)
}

// sshECDSABlob turns an ECDSA signature from its form in X.509 (RFC 3279 §2.2.3) to
// that in SSH (RFC 5656 §3.1.2): two integers, each an mpint.
func sshECDSABlob(der []byte) ([]byte, error) {
	input := cryptobyte.String(der)
	var inner cryptobyte.String
	var r, s []byte
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() {
		return nil, errors.New("the key made an ECDSA signature that is none")
	}
	return appendSSHUnsigned(appendSSHUnsigned(nil, r), s), nil
}

// appendSSHUnsigned appends the mpint (RFC 4251 §5) of a number that is not
// negative, given without leading zeros.
func appendSSHUnsigned(b, n []byte) []byte {
	if len(n) > 0 && n[0] >= 0x80 {
		b = binary.BigEndian.AppendUint32(b, uint32(1+len(n)))
		return append(append(b, 0), n...)
	}
	return appendSSHString(b, n)
}

// sshKeyFields returns a public key in wire format without the name of its type,
// where a certificate has the name of its own.
func sshKeyFields(key []byte) []byte { return key[4+binary.BigEndian.Uint32(key):] }

// appendSSHString appends a string of RFC 4251 §5: its length and its octets.
func appendSSHString[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
