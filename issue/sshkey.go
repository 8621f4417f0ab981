package issue

import (
	"crypto/rsa"
	"slices"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// CheckSSHPublicKey refuses keys that are too weak to certify, and what is not a
// plain key. Keys of security tokens ("sk-…") are welcome. The texts are those
// that users of the reference know.
func CheckSSHPublicKey(key ssh.PublicKey) error {
	if key == nil {
		return ca.Errorf(ca.ErrMalformed, "ssh certificate key cannot be nil")
	}
	if _, ok := key.(*ssh.Certificate); ok {
		return ca.Errorf(ca.ErrMalformed, "the public key is a certificate")
	}
	switch key.Type() {
	case ssh.KeyAlgoRSA:
		return checkSSHRSA(key)
	//lint:ignore SA1019 named to be refused
	case ssh.InsecureKeyAlgoDSA:
		return ca.Errorf(ca.ErrMalformed, "ssh certificate key algorithm (DSA) is not supported")
	case ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoED25519,
		ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoSKED25519:
		return nil
	}
	return ca.Errorf(ca.ErrMalformed, "ssh certificate key algorithm (%s) is not supported", key.Type())
}

func checkSSHRSA(key ssh.PublicKey) error {
	holder, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return ca.Errorf(ca.ErrMalformed, "ssh certificate key is not an RSA key")
	}
	pub, ok := holder.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return ca.Errorf(ca.ErrMalformed, "ssh certificate key is not an RSA key")
	}
	switch bits := pub.N.BitLen(); {
	case pub.N.Sign() <= 0 || bits < minRSABits:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate key must be at least %d bits (%d bytes)", minRSABits, minRSABits/8)
	case bits > maxRSABits:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate key must be at most %d bits", maxRSABits)
	case pub.N.Bit(0) == 0:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate key has an even modulus")
	case pub.E < 3 || pub.E%2 == 0:
		return ca.Errorf(ca.ErrForbidden, "ssh certificate key has the unsafe public exponent %d", pub.E)
	}
	return nil
}

// ownKeys are the CA's keys in SSH wire format: those of all issuers with their
// intermediates and roots, and those of the SSH CA. Nobody has a certificate for
// one: it would speak for the CA itself.
type ownKeys map[string]bool

func (i *Issuer) collectOwnKeys() ownKeys {
	own := make(ownKeys)
	for _, a := range i.cfg.Authorities {
		for _, crt := range slices.Concat(a.Chain, a.Roots) {
			if key, err := ssh.NewPublicKey(crt.PublicKey); err == nil { // others cannot be asked for
				own[string(key.Marshal())] = true
			}
		}
	}
	for _, k := range []*sshKey{i.ssh.user, i.ssh.host} {
		if k != nil {
			own[string(k.wire)] = true
		}
	}
	for _, key := range i.ssh.OtherKeys {
		own[string(key.Marshal())] = true
	}
	return own
}

// checkSSHKey is CheckSSHPublicKey, and refuses the CA's own keys. It returns the
// key in wire format, which is costly enough to be made only once.
func (i *Issuer) checkSSHKey(key ssh.PublicKey) (wire []byte, err error) {
	if err := CheckSSHPublicKey(key); err != nil {
		return nil, err
	}
	wire = key.Marshal()
	if i.ownKeys[string(wire)] {
		return nil, ca.Errorf(ca.ErrForbidden, "the public key is a key of the certificate authority itself")
	}
	return wire, nil
}
