package issue_test

import (
	"crypto/dsa" //lint:ignore SA1019 keys to be refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"math/big"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/issue"
)

// securityKey returns the public key of a security token, which signs nothing in
// this process.
func securityKey(t testing.TB) ssh.PublicKey {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, s := range [][]byte{[]byte(ssh.KeyAlgoSKED25519), pub, []byte("ssh:")} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(s))), s...)
	}
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSSHPublicKeys(t *testing.T) {
	t.Parallel()
	generated := func(bits int) ssh.PublicKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return sshPublic(t, key.Public())
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	even := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}
	// The numbers only have the right size: nobody checks a signature with it.
	p := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(1))
	q := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 159), big.NewInt(1))
	dsaKey := &dsa.PublicKey{Parameters: dsa.Parameters{P: p, Q: q, G: big.NewInt(2)}, Y: big.NewInt(3)}
	tests := []struct {
		name string
		key  ssh.PublicKey
		kind error // nil: accepted
		text string
	}{
		{"ECDSA P-521", sshPublic(t, p521.Public()), nil, ""},
		{"security token", securityKey(t), nil, ""},
		{"RSA 2048", generated(2048), nil, ""},
		{"RSA 1024", generated(1024), ca.ErrForbidden, "ssh certificate key must be at least 2048 bits (256 bytes)"},
		{"RSA with an even modulus", sshPublic(t, even), ca.ErrForbidden, "ssh certificate key has an even modulus"},
		{"DSA", sshPublic(t, dsaKey), ca.ErrMalformed, "ssh certificate key algorithm (DSA) is not supported"},
		{"certificate", &ssh.Certificate{Key: generated(2048)}, ca.ErrMalformed, "the public key is a certificate"},
		{"none", nil, ca.ErrMalformed, "ssh certificate key cannot be nil"},
	}
	for _, test := range tests {
		err := issue.CheckSSHPublicKey(test.key)
		if test.kind == nil {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if !errors.Is(err, test.kind) || err.Error() != test.text {
			t.Errorf("%s: %v, want %s", test.name, err, test.text)
		}
	}
}
