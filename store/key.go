package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"stepca/ca"
)

// Buckets. An engine without tables of its own writes the name before each key,
// so they are short.
const (
	bucketCertificates    = "cert"             // serial → Certificate
	bucketCertsByTime     = "cert_time"        // issuedAt ‖ serial
	bucketCertsByExpiry   = "cert_expiry"      // notAfter ‖ serial
	bucketCertsByName     = "cert_name"        // name 00 ‖ issuedAt ‖ serial
	bucketCertsByProv     = "cert_prov"        // hash of ID ‖ issuedAt ‖ serial
	bucketCertsByKey      = "cert_key"         // hash of SPKI ‖ issuedAt ‖ serial
	bucketIntents         = "intent"           // serial → Intent
	bucketTokens          = "token"            // SHA-256 of ID → spentToken
	bucketTokensByExpiry  = "token_expiry"     // expiry ‖ SHA-256 of ID
	bucketRevocations     = "revoked"          // serial → ca.Revocation
	bucketRevokedByTime   = "revoked_time"     // time of recording ‖ serial
	bucketRevokedByExpiry = "revoked_exp"      // see appendRevoked
	bucketCRLs            = "crl"              // issuer → CRLState
	bucketRefusals        = "refusal"          // time ‖ random → Refusal
	bucketNonces          = "nonce"            // SHA-256 of nonce → nothing
	bucketNoncesByExpiry  = "nonce_expiry"     // expiry ‖ SHA-256 of nonce
	bucketSSH             = "ssh"              // serial → SSHCertificate
	bucketSSHByTime       = "ssh_time"         // issuedAt ‖ serial
	bucketSSHByExpiry     = "ssh_expiry"       // validBefore ‖ serial
	bucketSSHByPrincipal  = "ssh_principal"    // type, principal 00 ‖ issuedAt ‖ serial
	bucketSSHByKeyID      = "ssh_keyid"        // key ID 00 ‖ issuedAt ‖ serial
	bucketSSHHosts        = "ssh_host"         // principal → sshHost
	bucketSSHHostsExpiry  = "ssh_host_exp"     // validBefore ‖ key in bucketSSHHosts
	bucketSSHRevocations  = "ssh_revoked"      // serial → ca.Revocation
	bucketSSHRevokedTime  = "ssh_revoked_time" // revokedAt ‖ serial
	bucketSSHRevokedEnds  = "ssh_revoked_exp"  // validBefore ‖ serial
	bucketAccounts        = "acme_account"     // ID → ACMEAccount
	bucketAccountsByKey   = "acme_key"         // hash of provisioner ‖ thumbprint → account ID
	bucketOrders          = "acme_order"       // prefix of ID → ACMEOrder
	bucketOrdersByAccount = "acme_orders_of"   // account ID 00 ‖ createdAt ‖ prefix of ID
	bucketOrdersByExpiry  = "acme_order_exp"   // expiresAt ‖ prefix of ID
	bucketOrderAliases    = "acme_alias"       // imported ID → prefix of order ID
	bucketAuthorizations  = "acme_authz"       // account ID 00 name 00 → prefix of ID
	bucketEABKeys         = "acme_eab"         // ID → ACMEExternalKey
	bucketEABByProv       = "acme_eab_prov"    // hash of provisioner ‖ createdAt ‖ ID
	bucketEABByReference  = "acme_eab_ref"     // hash of provisioner ‖ reference → ID
	bucketSecrets         = "secret"           // name → random octets
)

// timeLen is the size of a time in a key: seconds since 1970, 40 bits, which
// last until the year 36812.
const timeLen = 5

// never is how a key spells the absence of an end.
const never = 1<<40 - 1

// appendTime appends t as a key holds it. Times before 1970 become 1970.
func appendTime(b []byte, t time.Time) []byte {
	return appendSeconds(b, t.Unix())
}

// appendExpiry is appendTime for an end, where the zero time means never.
func appendExpiry(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendSeconds(b, never)
	}
	return appendSeconds(b, t.Unix())
}

func appendSeconds(b []byte, sec int64) []byte {
	sec = min(max(sec, 0), never)
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(sec))
	return append(b, buf[8-timeLen:]...)
}

// keyTime reads what appendTime or appendExpiry wrote; never is the zero time.
func keyTime(b []byte) time.Time {
	var buf [8]byte
	copy(buf[8-timeLen:], b[:timeLen])
	sec := int64(binary.BigEndian.Uint64(buf[:]))
	if sec == never {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// nanosLen is the size of a time in a key where order within a second matters.
const nanosLen = 8

func appendNanos(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(max(t.UnixNano(), 0)))
}

func keyNanos(b []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(b))).UTC()
}

// serialKey returns the key of a serial number: its octets without sign.
func serialKey(serial *big.Int) []byte { return serial.Bytes() }

// maxSerialLen is the most octets a serial number may have, RFC 5280 §4.1.2.2.
const maxSerialLen = 20

// parseSerial reads the decimal form that records hold.
func parseSerial(decimal string) (*big.Int, error) {
	n, ok := new(big.Int).SetString(decimal, 10)
	if !ok || n.Sign() <= 0 || len(n.Bytes()) > maxSerialLen {
		return nil, fmt.Errorf("%q is not a positive serial number of at most %d octets", decimal, maxSerialLen)
	}
	return n, nil
}

// Lengths of hashes in keys. They only have to tell apart what this CA holds: a
// collision would list a record too many, not grant anything.
const (
	provHashLen = 8
	keyHashLen  = 16
)

func provKey(provisionerID string) []byte { return hash(provisionerID)[:provHashLen] }

func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// maxTextKey is the longest text that a key holds as it is.
const maxTextKey = 300

// textKey returns s with a terminator, so that no text is a prefix of another.
// Texts that are too long or contain a zero octet are replaced by their hash.
func textKey(s string) []byte {
	if len(s) > maxTextKey || strings.IndexByte(s, 0) >= 0 {
		s = string(append([]byte{0xff}, hash(s)...)) // 0xff begins no text in UTF-8
	}
	return append([]byte(s), 0)
}

// nameKey returns the key of a name, in the spelling that comparing ignores.
func nameKey(id ca.Identifier) []byte {
	value := strings.ToLower(id.Value)
	if id.Type == ca.IP {
		if ip, err := netip.ParseAddr(value); err == nil {
			value = ip.Unmap().String()
		}
	}
	return textKey(string(id.Type) + ":" + value)
}

// join concatenates the parts of a key.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
