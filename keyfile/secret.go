package keyfile

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret shows of itself.
const redacted = "[redacted]"

// A Secret is a password, PIN or other value that must not be printed: every
// verb of package fmt, log/slog, and every encoder that honours
// encoding.TextMarshaler (JSON among them) shows "[redacted]". Only Reveal
// gives the value, so a program that must store one says so in its source.
//
// The zero value is the absence of a secret, which is not the same as an empty
// one. Secrets are compared with Equal; == compares identity.
type Secret struct {
	// A pointer to a string, because fmt cannot call the methods of a value in
	// an unexported field, and prints what it finds: of this, the address, even
	// for verbs that do not fit. It would follow a pointer to a slice.
	value *string
}

// NewSecret returns a Secret that holds a copy of value.
func NewSecret(value []byte) Secret {
	v := string(value)
	return Secret{value: &v}
}

// Reveal returns a copy of the value; nil for the zero Secret.
func (s Secret) Reveal() []byte {
	if s.value == nil {
		return nil
	}
	return []byte(*s.value)
}

// IsZero reports whether there is no secret at all. An empty password is one.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both hold the same value, in time that depends only on
// the lengths.
func (s Secret) Equal(other Secret) bool {
	if s.value == nil || other.value == nil {
		return s.value == other.value
	}
	return subtle.ConstantTimeCompare([]byte(*s.value), []byte(*other.value)) == 1
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]". What was marshalled cannot be read back:
// a file that stores secrets is written from what Reveal returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText makes s hold a copy of text. It refuses "[redacted]", which is
// a lost secret and never one.
func (s *Secret) UnmarshalText(text []byte) error {
	if bytes.Equal(text, []byte(redacted)) {
		return fmt.Errorf("the value is %q: what was meant to be stored is lost; put the secret here again", redacted)
	}
	*s = NewSecret(text)
	return nil
}
