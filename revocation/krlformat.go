package revocation

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// A krlKey is a CA key, and for which certificates it signs.
type krlKey struct {
	public     ssh.PublicKey
	user, host bool
}

func (k krlKey) equal(other krlKey) bool {
	return k.user == other.user && k.host == other.host && bytes.Equal(k.public.Marshal(), other.public.Marshal())
}

// signs reports whether certificates of a type, "" for one that is not known, may
// be the key's.
func (k krlKey) signs(typ ca.SSHCertType) bool {
	return typ == "" || typ == ca.SSHUser && k.user || typ == ca.SSHHost && k.host
}

// newKRLKeys collects keys, of which one may sign for users and hosts.
func newKRLKeys(user, host []ssh.PublicKey) []krlKey {
	var keys []krlKey
	add := func(public ssh.PublicKey) *krlKey {
		at := slices.IndexFunc(keys, func(k krlKey) bool { return bytes.Equal(k.public.Marshal(), public.Marshal()) })
		if at < 0 {
			at = len(keys)
			keys = append(keys, krlKey{public: public})
		}
		return &keys[at]
	}
	for _, public := range user {
		add(public).user = true
	}
	for _, public := range host {
		add(public).host = true
	}
	return keys
}

// The numbers of OpenSSH PROTOCOL.krl.
const (
	krlMagic               = "SSHKRL\n\x00"
	krlFormatVersion       = 1
	krlSectionCertificates = 1
	krlCertSerialList      = 0x20
)

// newKRL encodes, for each key, the serial numbers of the certificates that it may
// have signed, in ascending order. They are those of this CA's keys alone:
// certificates of other CAs may have the same numbers.
func newKRL(keys []krlKey, revoked map[uint64]revokedSSH, version uint64) *KRL {
	const perKey = 512 // octets that go with a list, the key among them
	b := append(make([]byte, 0, 128+perKey*len(keys)+8*len(revoked)), krlMagic...)
	b = binary.BigEndian.AppendUint32(b, krlFormatVersion)
	b = binary.BigEndian.AppendUint64(b, version)
	b = binary.BigEndian.AppendUint64(b, version/uint64(time.Second)) // generated_date
	b = binary.BigEndian.AppendUint64(b, 0)                           // flags
	b = appendString(b, nil)                                          // reserved
	b = appendString(b, nil)                                          // comment
	for _, key := range keys {
		var serials []uint64
		for n, r := range revoked {
			if key.signs(r.typ) {
				serials = append(serials, n)
			}
		}
		if len(serials) == 0 {
			continue
		}
		slices.Sort(serials)
		list := make([]byte, 0, 8*len(serials))
		for _, n := range serials {
			list = binary.BigEndian.AppendUint64(list, n)
		}
		section := appendString(nil, key.public.Marshal())
		section = appendString(section, nil) // reserved
		section = appendString(append(section, krlCertSerialList), list)
		b = appendString(append(b, krlSectionCertificates), section)
	}
	sum := sha256.Sum256(b)
	return &KRL{
		Version: version,
		ETag:    `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
		Bytes:   b,
	}
}

// appendString appends a string of RFC 4251 §5.
func appendString(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
