package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"stepca/plainjson"
)

// Leeway is how far clocks may be apart when a server checks a token's times.
const Leeway = time.Minute

// Claims are the registered claims of a JWT (RFC 7519 §4.1). Embed them, or
// decode a token's payload once into Claims and once into a type of its own.
type Claims struct {
	Issuer    string       `json:"iss,omitempty"`
	Subject   string       `json:"sub,omitempty"`
	Audience  Audience     `json:"aud,omitempty"`
	Expiry    *NumericDate `json:"exp,omitempty"`
	NotBefore *NumericDate `json:"nbf,omitempty"`
	IssuedAt  *NumericDate `json:"iat,omitempty"`
	ID        string       `json:"jti,omitempty"`
}

// ReadMember reads the value of a registered claim, and reports false for the name
// of another.
func (c *Claims) ReadMember(r *plainjson.Reader, name []byte) bool {
	switch string(name) {
	case "iss":
		c.Issuer = r.String()
	case "sub":
		c.Subject = r.String()
	case "aud":
		c.Audience = readAudience(r)
	case "exp":
		c.Expiry = readDate(r)
	case "nbf":
		c.NotBefore = readDate(r)
	case "iat":
		c.IssuedAt = readDate(r)
	case "jti":
		c.ID = r.String()
	default:
		return false
	}
	return true
}

func readAudience(r *plainjson.Reader) Audience {
	if r.IsString() {
		return Audience{r.String()}
	}
	many := Audience(r.Strings())
	if many == nil {
		r.Fail() // null is for UnmarshalJSON to judge
	}
	return many
}

// readDate reads whole seconds. Those that a plain number can have are before
// maxDate.
func readDate(r *plainjson.Reader) *NumericDate {
	d := NumericDate(r.Int())
	return &d
}

// What can be wrong with claims. Clients of the reference see these texts.
var (
	ErrIssuer            = errors.New("invalid issuer claim (iss)")
	ErrSubject           = errors.New("invalid subject claim (sub)")
	ErrAudience          = errors.New("invalid audience claim (aud)")
	ErrNotValidYet       = errors.New("token not valid yet (nbf)")
	ErrExpired           = errors.New("token is expired (exp)")
	ErrIssuedInTheFuture = errors.New("token issued in the future (iat)")
)

// Expected says what claims ought to be.
type Expected struct {
	Issuer   string        // empty: any
	Subject  string        // empty: any
	Audience []string      // at least one of these; nil: any
	Now      time.Time     // zero: times are not checked
	Leeway   time.Duration // added at both ends
}

// Validate returns the first of Faults, or nil.
func (c *Claims) Validate(e Expected) error {
	if faults := c.Faults(e); len(faults) > 0 {
		return faults[0]
	}
	return nil
}

// Faults returns all that is wrong, in the order iss, sub, aud, nbf, exp, iat.
// Times that are absent are not wrong.
func (c *Claims) Faults(e Expected) []error {
	var faults []error
	if e.Issuer != "" && e.Issuer != c.Issuer {
		faults = append(faults, ErrIssuer)
	}
	if e.Subject != "" && e.Subject != c.Subject {
		faults = append(faults, ErrSubject)
	}
	if e.Audience != nil && !slices.ContainsFunc(e.Audience, c.Audience.Contains) {
		faults = append(faults, ErrAudience)
	}
	if e.Now.IsZero() {
		return faults
	}
	late, early := e.Now.Add(e.Leeway), e.Now.Add(-e.Leeway)
	if c.NotBefore != nil && late.Before(c.NotBefore.Time()) {
		faults = append(faults, ErrNotValidYet)
	}
	if c.Expiry != nil && early.After(c.Expiry.Time()) {
		faults = append(faults, ErrExpired)
	}
	if c.IssuedAt != nil && late.Before(c.IssuedAt.Time()) {
		faults = append(faults, ErrIssuedInTheFuture)
	}
	return faults
}

// An Audience is for whom a token is. In JSON it is a string or an array of
// strings; one value is written as a string.
type Audience []string

// Contains reports whether value is among the audience, byte for byte.
func (a Audience) Contains(value string) bool { return slices.Contains(a, value) }

// MarshalJSON implements json.Marshaler.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *Audience) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*a = Audience{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return errors.New("aud is neither a string nor an array of strings")
	}
	*a = many
	return nil
}

// A NumericDate is a time in seconds since 1970 (RFC 7519 §2). Fractions are
// cut off; numbers beyond any calendar stand for its ends.
type NumericDate int64

// maxDate is 31 December 9999, 23:59:59 UTC.
const maxDate = 253402300799

// NewNumericDate returns t in whole seconds.
func NewNumericDate(t time.Time) *NumericDate {
	d := NumericDate(t.Unix())
	return &d
}

// Time returns the date as a time in UTC.
func (d NumericDate) Time() time.Time { return time.Unix(int64(d), 0).UTC() }

// UnmarshalJSON implements json.Unmarshaler.
func (d *NumericDate) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseFloat(string(data), 64)
	if err != nil && !math.IsInf(seconds, 0) || math.IsNaN(seconds) {
		return fmt.Errorf("%.40q is not a number of seconds", data)
	}
	*d = NumericDate(max(-maxDate, min(maxDate, seconds)))
	return nil
}
