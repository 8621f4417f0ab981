package ssh

import (
	"crypto"
	"fmt"
	"io"
	"math"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"stepca/cli"
)

// A sshAgent is a connection to the user's ssh-agent, which keeps private keys
// in memory (draft-ietf-sshm-ssh-agent). Close it after use.
type sshAgent struct {
	agent.Agent
	io.Closer
}

// connectAgent connects to the agent that the environment names.
func connectAgent(env *cli.Env) (*sshAgent, error) {
	conn, err := dialAgent(env.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("error connecting with ssh-agent: %w", err), noAgentHint)
	}
	return &sshAgent{agent.NewClient(conn), conn}, nil
}

// list returns the identities, certificates among them as such.
func (a *sshAgent) list() ([]publicKey, error) {
	keys, err := a.List()
	if err != nil {
		return nil, fmt.Errorf("error listing the keys of ssh-agent: %w", err)
	}
	list := make([]publicKey, 0, len(keys))
	for _, k := range keys {
		key, err := ssh.ParsePublicKey(k.Blob)
		if err != nil {
			key = k // of an algorithm that only the agent knows
		}
		list = append(list, publicKey{key, k.Comment})
	}
	return list, nil
}

// An identity is a certificate in the agent.
type identity struct {
	*ssh.Certificate
	comment string
}

// certificates returns the user certificates that one of the signers has signed,
// or all of them if signers is nil. A comment, if not "", must be theirs.
func (a *sshAgent) certificates(signers []ssh.PublicKey, comment string) ([]identity, error) {
	keys, err := a.list()
	if err != nil {
		return nil, err
	}
	var found []identity
	for _, key := range keys {
		cert, ok := key.PublicKey.(*ssh.Certificate)
		if !ok || cert.CertType != ssh.UserCert || comment != "" && key.comment != comment {
			continue
		}
		if signers == nil || contains(signers, cert.SignatureKey) {
			found = append(found, identity{cert, key.comment})
		}
	}
	return found, nil
}

// hasValid reports whether one of certificates is valid now.
func (a *sshAgent) hasValid(signers []ssh.PublicKey, now time.Time) (bool, error) {
	certs, err := a.certificates(signers, "")
	for _, cert := range certs {
		if isValid(cert.Certificate, now) {
			return true, nil
		}
	}
	return false, err
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	for _, k := range keys {
		if string(k.Marshal()) == string(key.Marshal()) {
			return true
		}
	}
	return false
}

// add gives the agent a certificate with its private key, which it forgets when
// the certificate expires.
func (a *sshAgent) add(key crypto.Signer, cert *ssh.Certificate, comment string, now time.Time) error {
	added := agent.AddedKey{PrivateKey: key, Certificate: cert, Comment: comment}
	if before, bounded := certTime(cert.ValidBefore); bounded {
		left := before.Sub(now) / time.Second
		if left <= 0 {
			return fmt.Errorf("the certificate has expired: check the clock of this machine")
		}
		added.LifetimeSecs = uint32(min(left, math.MaxUint32))
	}
	if err := a.Add(added); err != nil {
		return fmt.Errorf("error adding key to ssh-agent: %w", err)
	}
	return nil
}
