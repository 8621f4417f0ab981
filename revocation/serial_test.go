package revocation_test

import (
	"errors"
	"strings"
	"testing"

	"stepca/ca"
	"stepca/revocation"
)

func TestParseSerial(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"12": "12", "+5": "5", "0x1F": "31", "0X1f": "31", "0o17": "15", "010": "8", "0b101": "5", "1_000": "1000",
		"0x" + strings.Repeat("ff", 20):  "1461501637330902918203684832716283019655932542975",
		"0b" + strings.Repeat("_1", 160): "1461501637330902918203684832716283019655932542975",
	} {
		if got, err := revocation.ParseSerial(in); err != nil || got.String() != want {
			t.Errorf("ParseSerial(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "zz", " 1", "1 ", "1.0", "-1", "0", "0x0", "09", "1__0", "_1", "0x", "1e5",
		"0x1" + strings.Repeat("00", 20), strings.Repeat("1", 1<<20), "\xff",
	} {
		_, err := revocation.ParseSerial(in)
		if !errors.Is(err, ca.ErrMalformed) {
			t.Errorf("ParseSerial(%.20q): %v, want kind malformed", in, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("ParseSerial(%.20q): error of %d characters", in, len(err.Error()))
		}
	}
	_, err := revocation.ParseSerial("zz")
	want := "'zz' is not a valid serial number - use a base 10 representation or a base 16 representation with '0x' prefix"
	if err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func FuzzParseSerial(f *testing.F) {
	for _, s := range []string{"1", "0x10", "-1", "0b1_0", "07", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := revocation.ParseSerial(s)
		if err != nil {
			return
		}
		if n.Sign() <= 0 || len(n.Bytes()) > 20 {
			t.Errorf("ParseSerial(%q) = %v", s, n)
		}
		if again, err := revocation.ParseSerial(n.String()); err != nil || again.Cmp(n) != 0 {
			t.Errorf("ParseSerial(%q) = %v, %v, want %v", n, again, err, n)
		}
	})
}
