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
	conn io.Closer
	dial func() (io.ReadWriteCloser, error)
}

// connectAgent connects to the agent that the environment names.
func connectAgent(env *cli.Env) (*sshAgent, error) {
	a := &sshAgent{dial: func() (io.ReadWriteCloser, error) { return dialAgent(env.Getenv("SSH_AUTH_SOCK")) }}
	return a, a.connect()
}

func (a *sshAgent) connect() error {
	conn, err := a.dial()
	if err != nil {
		return cli.WithHint(fmt.Errorf("error connecting with ssh-agent: %w", err), noAgentHint)
	}
	a.Agent, a.conn = agent.NewClient(conn), conn
	return nil
}

// Close ends the connection.
func (a *sshAgent) Close() error { return a.conn.Close() }

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
// the certificate expires, if it is an agent that can.
func (a *sshAgent) add(env *cli.Env, key crypto.Signer, cert *ssh.Certificate, comment string) error {
	added := agent.AddedKey{PrivateKey: key, Certificate: cert, Comment: comment}
	if before, bounded := certTime(cert.ValidBefore); bounded {
		left := before.Sub(env.Now()) / time.Second
		if left <= 0 {
			return fmt.Errorf("the certificate has expired: check the clock of this machine")
		}
		added.LifetimeSecs = uint32(min(left, math.MaxUint32))
	}
	err := a.Add(added)
	if err != nil && added.LifetimeSecs > 0 && a.addForever(added) == nil {
		env.Noticef("The agent keeps no key for a limited time: this one stays until 'step ssh logout', and is good for nothing when the certificate has expired.")
		return nil
	}
	if err != nil {
		return cli.WithHint(fmt.Errorf("error adding key to ssh-agent: %w", err), refusedHint)
	}
	return nil
}

const refusedHint = "If the agent is locked, unlock it with 'ssh-add -X'. One that takes no certificates is of no use here: 'step ssh certificate' writes files instead."

// addForever is for agents that know no lifetime, such as that of Windows, some of
// which even close the connection when they hear of one.
func (a *sshAgent) addForever(key agent.AddedKey) error {
	a.Close() //nolint:errcheck // it may be closed already
	if err := a.connect(); err != nil {
		return err
	}
	key.LifetimeSecs = 0
	return a.Add(key)
}
