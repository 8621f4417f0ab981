package issue

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/kms"
)

// An SSHAuthority signs SSH certificates (OpenSSH PROTOCOL.certkeys). It has no
// certificate of its own: clients know it by its keys.
type SSHAuthority struct {
	// UserKey and HostKey sign user and host certificates; nil turns the kind
	// off. One key may do both.
	UserKey, HostKey kms.Signer

	// OtherKeys are further keys of this CA, older ones or those to come, which
	// sign nothing here. Like those that sign they are never certified.
	OtherKeys []ssh.PublicKey

	// AddUserPrincipal and AddUserCommand are the principal and the force-command
	// of certificates that add users to hosts. "<principal>" in the command is
	// replaced by the user's name.
	AddUserPrincipal, AddUserCommand string
}

// sshAuthority is an SSHAuthority that is ready to sign.
type sshAuthority struct {
	SSHAuthority
	user, host *sshKey // nil without that key
}

func newSSHAuthority(a *SSHAuthority) (*sshAuthority, error) {
	ready := &sshAuthority{SSHAuthority: *a}
	var err error
	if ready.user, err = newSSHKey(a.UserKey); err != nil {
		return nil, fmt.Errorf("SSH user key: %w", err)
	}
	if ready.host, err = newSSHKey(a.HostKey); err != nil {
		return nil, fmt.Errorf("SSH host key: %w", err)
	}
	return ready, nil
}

// errNoSSH refuses what needs a key that the CA does not have.
func errNoSSH(typ ca.SSHCertType) error {
	return ca.Hidden(ca.ErrNotImplemented, "there is no key for SSH %s certificates: set ssh.%sKey", typ, typ)
}

// key returns the key that signs certificates of a type.
func (a *sshAuthority) key(typ ca.SSHCertType) (*sshKey, error) {
	switch {
	case a == nil:
	case typ == ca.SSHUser && a.user != nil:
		return a.user, nil
	case typ == ca.SSHHost && a.host != nil:
		return a.host, nil
	}
	return nil, errNoSSH(typ)
}

// An sshKey is a key that signs SSH certificates.
type sshKey struct {
	signer    kms.Signer
	public    ssh.PublicKey
	wire      []byte // of public
	algorithm string // of signatures
}

// newSSHKey returns nil for no key.
func newSSHKey(key kms.Signer) (*sshKey, error) {
	if key == nil {
		return nil, nil
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	algorithm := public.Type()
	if algorithm == ssh.KeyAlgoRSA { // the name of the key is that of SHA-1 signatures too
		algorithm = ssh.KeyAlgoRSASHA256
	}
	return &sshKey{key, public, public.Marshal(), algorithm}, nil
}

// sign sets the signature of a certificate and what goes with it, and returns the
// wire format, which takes a while to make; key is crt.Key in that format. (The
// method SignCert of crypto/ssh would replace the nonce.)
func (k *sshKey) sign(ctx context.Context, crt *ssh.Certificate, key []byte) (wire []byte, err error) {
	crt.SignatureKey = k.public
	tbs := sshSignedPart(crt, key, k.wire)
	if crt.Signature, err = k.signature(ctx, tbs); err != nil {
		return nil, err
	}
	if k.signer.External() { // a broken token must not hand out what nobody can verify
		if err := k.public.Verify(tbs, crt.Signature); err != nil {
			return nil, err
		}
	}
	return appendSSHString(tbs, sshSignature(crt.Signature)), nil
}

// signature signs tbs.
func (k *sshKey) signature(ctx context.Context, tbs []byte) (*ssh.Signature, error) {
	if hash, ok := sshECDSAHash[k.algorithm]; ok {
		return k.ecdsaSignature(ctx, tbs, hash)
	}
	signer, err := ssh.NewSignerFromSigner(kms.WithContext(ctx, k.signer))
	if err != nil {
		return nil, err
	}
	chosen, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("the key cannot make signatures of a chosen algorithm")
	}
	return chosen.SignWithAlgorithm(rand.Reader, tbs, k.algorithm)
}

// sshECDSAHash is what RFC 5656 §6.2.1 hashes with for each curve.
var sshECDSAHash = map[string]crypto.Hash{
	ssh.KeyAlgoECDSA256: crypto.SHA256,
	ssh.KeyAlgoECDSA384: crypto.SHA384,
	ssh.KeyAlgoECDSA521: crypto.SHA512,
}

// ecdsaSignature is signature for ECDSA keys, the usual ones. Package crypto/ssh
// gives the same, and spends a fifth of a signature on its form.
func (k *sshKey) ecdsaSignature(ctx context.Context, tbs []byte, hash crypto.Hash) (*ssh.Signature, error) {
	h := hash.New()
	h.Write(tbs)
	der, err := k.signer.SignContext(ctx, h.Sum(nil), hash)
	if err != nil {
		return nil, err
	}
	blob, err := sshECDSABlob(der)
	if err != nil {
		return nil, err
	}
	return &ssh.Signature{Format: k.algorithm, Blob: blob}, nil
}
