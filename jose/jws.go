package jose

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Errors that callers decide upon, found with errors.Is.
var (
	// ErrSignature: the signature does not verify with the key.
	ErrSignature = errors.New("invalid signature")

	// ErrAlgorithm: the header's algorithm is not one for the key.
	ErrAlgorithm = errors.New("signature algorithm not allowed")

	// ErrCritical: the header has critical members (RFC 7515 §4.1.11); none is understood.
	ErrCritical = errors.New("unrecognized critical headers (crit)")

	// ErrKey: the header's jwk is not a public key that we support.
	ErrKey = errors.New("unsupported key")

	// ErrMultipleSignatures: a JWS in JSON with another number of signatures than one.
	ErrMultipleSignatures = errors.New("multiple signatures are not supported")
)

// A JWS is a message with one signature (RFC 7515), parsed and not yet
// verified. A JWT is a JWS whose payload is a set of claims.
type JWS struct {
	Header Header // the protected header; who sent it is unknown before Verify

	// HasUnprotectedHeader reports a header outside the signature, in the JSON
	// serialization. It is never read. ACME refuses it (RFC 8555 §6.2).
	HasUnprotectedHeader bool

	protected string // base64url
	signed    string // the signing input of RFC 7515 §5.1: protected "." payload
	payload   []byte
	signature []byte
}

// ParseCompact parses the compact serialization (RFC 7515 §7.1), the form of
// every token.
func ParseCompact(s string) (*JWS, error) {
	if len(s) > MaxSize {
		return nil, fmt.Errorf("parsing JWS: larger than %d bytes", MaxSize)
	}
	protected, rest, _ := strings.Cut(s, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, errors.New("parsing JWS: the compact form has three parts")
	}
	return newJWS(protected, payload, signature, s[:len(s)-len(signature)-1])
}

// rawJWS is the JSON serialization, general or flattened (RFC 7515 §7.2).
type rawJWS struct {
	Payload *string `json:"payload"`
	rawSignature
	Signatures []rawSignature `json:"signatures,omitempty"`
}

type rawSignature struct {
	Protected string          `json:"protected,omitempty"`
	Header    json.RawMessage `json:"header,omitempty"`
	Signature string          `json:"signature,omitempty"`
}

// ParseJSON parses the JSON serialization, flattened or general with exactly one
// signature.
func ParseJSON(data []byte) (*JWS, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("parsing JWS: larger than %d bytes", MaxSize)
	}
	if f, ok := readFlattened(data); ok {
		signed := string(f.protected) + "." + string(f.payload)
		return newJWS(signed[:len(f.protected)], signed[len(f.protected)+1:], string(f.signature), signed)
	}
	return decodeJWS(data)
}

// decodeJWS is ParseJSON with a JSON decoder.
func decodeJWS(data []byte) (*JWS, error) {
	var raw rawJWS
	if err := Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("parsing JWS: %w", err)
	}
	one := raw.rawSignature
	if raw.Signatures != nil {
		if len(raw.Signatures) != 1 || one.Signature != "" || one.Protected != "" || one.Header != nil {
			return nil, fmt.Errorf("parsing JWS: %w", ErrMultipleSignatures)
		}
		one = raw.Signatures[0]
	}
	if raw.Payload == nil {
		return nil, errors.New("parsing JWS: there is no payload")
	}
	jws, err := newJWS(one.Protected, *raw.Payload, one.Signature, one.Protected+"."+*raw.Payload)
	if err != nil {
		return nil, err
	}
	jws.HasUnprotectedHeader = one.Header != nil
	return jws, nil
}

// Parse parses either serialization, with white space around it.
func Parse(s string) (*JWS, error) {
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "{") {
		return ParseJSON([]byte(s))
	}
	return ParseCompact(s)
}

// newJWS decodes the three parts; signed is the first two with the dot.
func newJWS(protected, payload, signature, signed string) (*JWS, error) {
	header, err := decodeSegment(protected)
	if err != nil {
		return nil, fmt.Errorf("parsing JWS: the header: %w", err)
	}
	jws := &JWS{protected: protected, signed: signed}
	if jws.Header, err = parseHeader(header); err != nil {
		return nil, fmt.Errorf("parsing JWS: %w", err)
	}
	if jws.payload, err = decodeSegment(payload); err != nil {
		return nil, fmt.Errorf("parsing JWS: the payload: %w", err)
	}
	if jws.signature, err = decodeSegment(signature); err != nil {
		return nil, fmt.Errorf("parsing JWS: the signature: %w", err)
	}
	return jws, nil
}

// UnverifiedPayload returns the payload without asking who made it.
func (j *JWS) UnverifiedPayload() []byte { return j.payload }

// UnverifiedClaims decodes the payload, a JSON object, into each value, without
// asking who made it: good for finding the key to verify with, and for showing
// to people.
func (j *JWS) UnverifiedClaims(values ...any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(j.payload, " \t\r\n"), []byte("{")) {
		return errors.New("the claims: not a JSON object")
	}
	for _, value := range values {
		if err := Unmarshal(j.payload, value); err != nil {
			return fmt.Errorf("the claims: %w", err)
		}
	}
	return nil
}

// RawHeader returns the protected header's JSON as it was sent.
func (j *JWS) RawHeader() []byte {
	header, _ := decodeSegment(j.protected) // decoded once before, by newJWS
	return header
}

// Digest returns the SHA-256 of what was signed. It names a token that has no
// jti. A hash of the whole token would not: anyone can turn an ECDSA signature
// into another valid one for the same contents.
func (j *JWS) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(j.signed)) }

// Compact returns the compact serialization.
func (j *JWS) Compact() string { return j.signed + "." + encoding.EncodeToString(j.signature) }

// MarshalJSON returns the flattened JSON serialization.
func (j *JWS) MarshalJSON() ([]byte, error) {
	payload := encoding.EncodeToString(j.payload)
	return json.Marshal(rawJWS{Payload: &payload, rawSignature: rawSignature{
		Protected: j.protected, Signature: encoding.EncodeToString(j.signature),
	}})
}
