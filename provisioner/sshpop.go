package provisioner

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// An SSHPOP provisioner trusts who proves possession of the key of an SSH
// certificate of this CA: a host renews its certificate, whoever has one
// revokes it. The certificate travels in the token's header, and its key signs
// the token.
type SSHPOP struct {
	Named

	Claims *Claims `json:"claims,omitempty"`

	userKeys, hostKeys []ssh.PublicKey
}

// TokenID returns "sshpop/<name>".
func (p *SSHPOP) TokenID() string { return "sshpop/" + p.Name }

// Ref implements Provisioner.
func (p *SSHPOP) Ref() ca.ProvisionerRef { return p.ref(ca.TypeSSHPOP, p.TokenID()) }

// MarshalJSON implements json.Marshaler.
func (p *SSHPOP) MarshalJSON() ([]byte, error) {
	type plain SSHPOP
	return p.marshal((*plain)(p))
}

func (p *SSHPOP) prepare(s *setup) error {
	if len(s.userKeys)+len(s.hostKeys) == 0 {
		return errors.New("provisioner public SSH validation keys cannot be empty")
	}
	p.userKeys, p.hostKeys = s.userKeys, s.hostKeys
	return p.prepareClaims(s, p.Claims)
}

// AuthorizeSSHRenew implements SSHRenewAuthorizer, for host certificates.
func (p *SSHPOP) AuthorizeSSHRenew(_ context.Context, token *Token) (*ca.Grant, error) {
	crt, err := p.verify(token, ca.RenewSSH)
	if err != nil {
		return nil, err
	}
	return p.renewal(token, crt, ca.RenewSSH)
}

// AuthorizeSSHRekey implements SSHRekeyAuthorizer, for host certificates that
// have not expired.
func (p *SSHPOP) AuthorizeSSHRekey(_ context.Context, token *Token) (*ca.Grant, error) {
	crt, err := p.verify(token, ca.RekeySSH)
	if err != nil {
		return nil, err
	}
	if err := p.checkCurrent(crt); err != nil {
		return nil, err
	}
	return p.renewal(token, crt, ca.RekeySSH)
}

// AuthorizeSSHRevoke implements SSHRevokeAuthorizer, for the certificate that is
// the evidence.
func (p *SSHPOP) AuthorizeSSHRevoke(_ context.Context, token *Token) (*ca.Grant, error) {
	crt, err := p.verify(token, ca.RevokeSSH)
	if err != nil {
		return nil, err
	}
	if err := p.checkCurrent(crt); err != nil {
		return nil, err
	}
	serial := strconv.FormatUint(crt.Serial, 10)
	if token.claims.Subject != serial {
		return nil, ca.Errorf(ca.ErrForbidden, "token subject %q and sshpop certificate serial number %q do not match",
			token.claims.Subject, serial)
	}
	return &ca.Grant{Operation: ca.RevokeSSH, Provisioner: p.Ref(), OneTime: token.oneTimeID(), SSH: &ca.SSHGrant{Revoke: crt}}, nil
}

// renewal returns the grant for another certificate like crt.
func (p *SSHPOP) renewal(token *Token, crt *ssh.Certificate, op ca.Operation) (*ca.Grant, error) {
	if crt.CertType != ssh.HostCert {
		return nil, ca.Errorf(ca.ErrMalformed, "sshpop certificate must be a host ssh certificate")
	}
	if crt.ValidAfter == 0 || crt.ValidBefore == 0 {
		return nil, ca.Errorf(ca.ErrMalformed, "sshpop certificate has no validity period")
	}
	if err := p.checkStarted(crt); err != nil {
		return nil, err
	}
	if err := p.checkRenewable(sshTime(crt.ValidAfter), sshTime(crt.ValidBefore)); err != nil {
		return nil, err
	}
	grant := &ca.Grant{
		Operation:   op,
		Provisioner: p.Ref(),
		OneTime:     token.oneTimeID(),
		SSH:         p.sshLimits(),
	}
	grant.SSH.Renew = crt
	return grant, nil
}

// sshTime returns a time of a certificate. The end of time, and whatever cannot
// be told from it, is the zero time.
func sshTime(seconds uint64) time.Time {
	if seconds > math.MaxInt64/2 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// checkStarted refuses a certificate that is not valid yet.
func (p *SSHPOP) checkStarted(crt *ssh.Certificate) error {
	if p.seconds() < crt.ValidAfter {
		return ca.Hidden(ca.ErrUnauthorized, "sshpop certificate is not valid yet")
	}
	return nil
}

// checkCurrent refuses a certificate that is not valid now.
func (p *SSHPOP) checkCurrent(crt *ssh.Certificate) error {
	if crt.ValidBefore != ssh.CertTimeInfinity && p.seconds() >= crt.ValidBefore {
		return ca.Hidden(ca.ErrUnauthorized, "sshpop certificate has expired")
	}
	return p.checkStarted(crt)
}

// seconds returns the time as certificates have it.
func (p *SSHPOP) seconds() uint64 { return uint64(max(0, p.now().Unix())) }

// verify checks the certificate in a token and the token with its key.
func (p *SSHPOP) verify(token *Token, op ca.Operation) (*ssh.Certificate, error) {
	crt, err := parseSSHCertificate(token.jws.Header.SSHPOP)
	if err == nil {
		err = p.verifyEvidence(token, crt, op)
	}
	if err != nil {
		return nil, ca.Hidden(ca.ErrUnauthorized, "%w", err)
	}
	return crt, nil
}

func (p *SSHPOP) verifyEvidence(token *Token, crt *ssh.Certificate, op ca.Operation) error {
	if err := p.verifyCertificate(crt); err != nil {
		return err
	}
	key, ok := crt.Key.(ssh.CryptoPublicKey)
	if !ok {
		return fmt.Errorf("sshpop certificate has a key of type %s, which signs no tokens", crt.Key.Type())
	}
	if err := token.verifySignature(key.CryptoPublicKey()); err != nil {
		return err
	}
	return token.verifyClaims(op, p.Name, p.TokenID(), p.rules)
}

// parseSSHCertificate parses the token header "sshpop".
func parseSSHCertificate(header string) (*ssh.Certificate, error) {
	if header == "" {
		return nil, errors.New("token has no header sshpop")
	}
	wire, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return nil, fmt.Errorf("token header sshpop: %w", err)
	}
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return nil, fmt.Errorf("token header sshpop: %w", err)
	}
	crt, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("token header sshpop is not a certificate")
	}
	return crt, nil
}

// verifyCertificate checks that a key of this CA, of the certificate's type,
// signed it. Validity is for the caller, and critical options are for servers
// that let someone log in.
func (p *SSHPOP) verifyCertificate(crt *ssh.Certificate) error {
	keys := p.hostKeys
	switch crt.CertType {
	case ssh.HostCert:
	case ssh.UserCert:
		keys = p.userKeys
	default:
		return fmt.Errorf("sshpop certificate has the unknown type %d", crt.CertType)
	}
	signer := crt.SignatureKey.Marshal()
	for _, key := range keys {
		if bytes.Equal(key.Marshal(), signer) {
			return key.Verify(signedPart(crt), crt.Signature)
		}
	}
	return errors.New("sshpop certificate was not signed by this CA")
}

// signedPart returns the bytes under the signature: all of the wire format but
// the signature itself, whose length field is what Marshal writes for none.
func signedPart(crt *ssh.Certificate) []byte {
	unsigned := *crt
	unsigned.Signature = nil
	wire := unsigned.Marshal()
	return wire[:len(wire)-4]
}
