package jose

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"stepca/plainjson"
)

// A Header is the protected header of a JWS: the registered members (RFC 7515
// §4.1), those of ACME (RFC 8555 §6.2), and those of this system's tokens.
type Header struct {
	Algorithm   string   `json:"alg"`
	KeyID       string   `json:"kid"`
	Type        string   `json:"typ"`
	ContentType string   `json:"cty"`
	Critical    []string `json:"crit"`
	JWK         *JWK     `json:"-"`     // always a public key
	X5C         []string `json:"x5c"`   // standard base64 of DER, leaf first
	Nonce       string   `json:"nonce"` // ACME
	URL         string   `json:"url"`   // ACME

	X5CInsecure []string `json:"x5cInsecure"` // as X5C, in tokens that renew an expired certificate
	SSHPOP      string   `json:"sshpop"`      // standard base64 of an SSH certificate's wire format
	Nebula      string   `json:"nebula"`      // standard base64 of a Nebula certificate
}

// parseHeader parses a protected header.
func parseHeader(data []byte) (Header, error) {
	var h Header
	if len(data) > MaxHeaderSize {
		return h, fmt.Errorf("the header is larger than %d bytes", MaxHeaderSize)
	}
	if plain := readHeader(data); plain != nil && plain.Algorithm != "" {
		return *plain, nil
	}
	raw := struct {
		*Header
		JWK json.RawMessage `json:"jwk"`
	}{Header: &h}
	if err := Unmarshal(data, &raw); err != nil {
		return h, fmt.Errorf("the header: %w", err)
	}
	if h.Algorithm == "" {
		return h, errors.New("the header has no alg")
	}
	if raw.JWK == nil {
		return h, nil
	}
	jwk, err := ParsePublicJWK(raw.JWK)
	if err != nil {
		return h, fmt.Errorf("the header's jwk: %w: %w", ErrKey, err)
	}
	h.JWK = jwk
	return h, nil
}

// readHeader reads the header that most tokens have, or most requests of ACME
// clients; nil for any other.
func readHeader(data []byte) *Header {
	var h Header
	r := plainjson.NewReader(data)
	for name := range r.Members() {
		switch string(name) {
		case "alg":
			h.Algorithm = r.String()
		case "kid":
			h.KeyID = r.String()
		case "typ":
			h.Type = r.String()
		case "nonce":
			h.Nonce = r.String()
		case "url":
			h.URL = r.String()
		default:
			r.Fail()
		}
	}
	if !r.Done() {
		return nil
	}
	return &h
}

// ParsePublicJWK parses a JWK that a stranger sent. A private key is refused
// unread: RFC 7515 §4.1.3 forbids it, and checking its primes would be work.
func ParsePublicJWK(data []byte) (*JWK, error) {
	var private struct {
		D, P, Q, K json.RawMessage
	}
	if err := json.Unmarshal(data, &private); err != nil {
		return nil, err
	}
	if private.D != nil || private.P != nil || private.Q != nil || private.K != nil {
		return nil, errors.New("not a public key")
	}
	jwk, err := ParseJWK(data)
	if err != nil {
		return nil, err
	}
	if !jwk.IsPublic() {
		return nil, errors.New("not a public key")
	}
	return jwk, nil
}

// Certificates returns the chain in x5c, leaf first; none if there is no x5c.
// Nothing has been verified about it.
func (h *Header) Certificates() ([]*x509.Certificate, error) { return parseChain("x5c", h.X5C) }

// InsecureCertificates returns the chain in x5cInsecure likewise.
func (h *Header) InsecureCertificates() ([]*x509.Certificate, error) {
	return parseChain("x5cInsecure", h.X5CInsecure)
}

func parseChain(name string, entries []string) ([]*x509.Certificate, error) {
	if len(entries) > MaxChain {
		return nil, fmt.Errorf("the header's %s has more than %d certificates", name, MaxChain)
	}
	chain := make([]*x509.Certificate, 0, len(entries))
	for i, entry := range entries {
		der, err := base64.StdEncoding.DecodeString(entry)
		if err != nil {
			return nil, fmt.Errorf("the header's %s, certificate %d: %w", name, i, err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("the header's %s, certificate %d: %w", name, i, err)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > MaxRSABits {
			return nil, fmt.Errorf("the header's %s, certificate %d: its RSA key has more than %d bits", name, i, MaxRSABits)
		}
		chain = append(chain, cert)
	}
	return chain, nil
}

// EncodeChain returns the value of an x5c header for a chain, leaf first.
func EncodeChain(chain []*x509.Certificate) []string {
	entries := make([]string, len(chain))
	for i, cert := range chain {
		entries[i] = base64.StdEncoding.EncodeToString(cert.Raw)
	}
	return entries
}
