package store

import (
	"strconv"

	"stepca/ca"
	"stepca/kv"
)

// A predecessor is the certificate that a new one renews: where its revocation
// would be.
type predecessor struct {
	bucket string
	key    []byte
}

// check refuses to record the renewal of a certificate that is revoked. Whoever
// authorized the renewal has looked as well; a revocation that was acknowledged
// since, while the CA signed, counts too. Nil, for what renews nothing, passes.
func (p *predecessor) check(r kv.Reader) error {
	if p == nil {
		return nil
	}
	revoked, err := lookup(r, p.bucket, p.key)
	if err == nil && revoked != nil {
		err = ca.Hidden(ca.ErrUnauthorized, "certificate has been revoked")
	}
	return err
}

// predecessor returns nil for none, and for one whose serial number nobody could
// revoke.
func (c *Certificate) predecessor() *predecessor {
	serial, err := parseSerial(c.RenewedFrom)
	if err != nil {
		return nil
	}
	return &predecessor{bucketRevocations, serialKey(serial)}
}

// predecessor is that of Certificate.
func (c *SSHCertificate) predecessor() *predecessor {
	serial, err := strconv.ParseUint(c.RenewedFrom, 10, 64)
	if err != nil {
		return nil
	}
	return &predecessor{bucketSSHRevocations, sshKey(serial)}
}

// checkPredecessors is check for all certificates of an issuance.
func (iss *SSHIssuance) checkPredecessors(r kv.Reader) error {
	for _, c := range iss.Certificates {
		if err := c.predecessor().check(r); err != nil {
			return err
		}
	}
	if iss.X509 == nil {
		return nil
	}
	return iss.X509.predecessor().check(r)
}
