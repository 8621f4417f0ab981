package revocation

import (
	"encoding/asn1"
	"maps"
	"math"
	"slices"
	"time"
)

// entries are the revokedCertificates of one issuer (RFC 5280 §5.1.2.6), encoded
// as they stand in the list. They are kept in pieces by the hour in which the
// certificates expire, so that an hour goes as a whole when its time has come.
//
// Pieces only grow: what a snapshot holds never changes.
type entries struct {
	hours map[int64][][]byte // hour of expiry → pieces; neverExpires for those without
	count int
}

// neverExpires is the hour of certificates whose expiry is not known.
const neverExpires = math.MaxInt64

// pieceSize is about the size of a piece. A larger one costs more to grow.
const pieceSize = 64 << 10

// listedAfterExpiry is how long an entry stays after its certificate expired,
// at least: RFC 5280 §3.3 wants it in one list after that.
const listedAfterExpiry = time.Hour

func hourOf(expires time.Time) int64 {
	if expires.IsZero() {
		return neverExpires
	}
	return expires.Unix() / 3600
}

// add appends an entry.
func (e *entries) add(serial []byte, revokedAt, expires time.Time, reason int) {
	if e.hours == nil {
		e.hours = make(map[int64][][]byte)
	}
	der := appendEntry(nil, serial, revokedAt, reason)
	hour := hourOf(expires)
	pieces := e.hours[hour]
	e.count++
	if n := len(pieces); n > 0 && len(pieces[n-1])+len(der) <= pieceSize {
		pieces[n-1] = append(pieces[n-1], der...)
		return
	}
	e.hours[hour] = append(pieces, der)
}

// snapshot returns the pieces of a list made at the given time, soonest expiry
// first, and drops what no list has any more.
func (e *entries) snapshot(now time.Time) [][]byte {
	oldest := hourOf(now.Add(-listedAfterExpiry))
	var pieces [][]byte
	for _, hour := range slices.Sorted(maps.Keys(e.hours)) {
		if hour < oldest {
			delete(e.hours, hour)
			continue
		}
		for _, p := range e.hours[hour] {
			pieces = append(pieces, p[:len(p):len(p)])
		}
	}
	return pieces
}

// DER tags, X.690 §8.
const (
	tagInteger         = 0x02
	tagBitString       = 0x03
	tagOctetString     = 0x04
	tagEnumerated      = 0x0a
	tagUTCTime         = 0x17
	tagGeneralizedTime = 0x18
	tagSequence        = 0x30
)

// appendElement appends a DER element.
func appendElement(b []byte, tag byte, content []byte) []byte {
	return append(appendHeader(b, tag, len(content)), content...)
}

// appendHeader appends the tag and length of a DER element.
func appendHeader(b []byte, tag byte, length int) []byte {
	b = append(b, tag)
	if length < 0x80 {
		return append(b, byte(length))
	}
	octets := 0
	for n := length; n > 0; n >>= 8 {
		octets++
	}
	b = append(b, 0x80|byte(octets))
	for i := octets - 1; i >= 0; i-- {
		b = append(b, byte(length>>(8*i)))
	}
	return b
}

// appendTime appends a Time: UTCTime until 2049, RFC 5280 §5.1.2.4.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y >= 1950 && y < 2050 {
		return appendElement(b, tagUTCTime, []byte(t.Format("060102150405Z")))
	}
	return appendElement(b, tagGeneralizedTime, []byte(t.Format("20060102150405Z")))
}

// appendUnsigned appends an INTEGER given by its octets without sign.
func appendUnsigned(b []byte, magnitude []byte) []byte {
	if len(magnitude) == 0 || magnitude[0] >= 0x80 {
		b = appendHeader(b, tagInteger, len(magnitude)+1)
		return append(append(b, 0), magnitude...)
	}
	return appendElement(b, tagInteger, magnitude)
}

// reasonExtension begins the extension reasonCode (2.5.29.21) of an entry, which
// its one octet ends: SEQUENCE { OID, OCTET STRING { ENUMERATED } }.
var reasonExtension = [...]byte{0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, tagEnumerated, 0x01}

// appendEntry appends the entry of a revoked certificate. A full list says no
// reason 0 (§5.3.1: it is what silence means), 7 (unused) and 8 (removeFromCRL,
// for delta lists).
func appendEntry(b []byte, serial []byte, revokedAt time.Time, reason int) []byte {
	content := make([]byte, 0, 64)
	content = appendUnsigned(content, serial)
	content = appendTime(content, revokedAt)
	if reason > 0 && reason <= maxReasonCode && reason != 7 && reason != 8 {
		content = append(append(content, reasonExtension[:]...), byte(reason))
	}
	return appendElement(b, tagSequence, content)
}

// Extensions of a list, RFC 5280 §5.2.
var (
	oidAuthorityKeyID           = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidCRLNumber                = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
)
