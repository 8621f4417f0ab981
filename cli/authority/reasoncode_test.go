package authority

import "testing"

func TestParseReasonCode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"": 0, "0": 0, "7": 7, "10": 10, "keyCompromise": 1, "KEY COMPROMISE": 1, "aacompromise": 10} {
		if got, err := parseReasonCode(in); err != nil || got != want {
			t.Errorf("parseReasonCode(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"-1", "11", "foo"} {
		if got, err := parseReasonCode(in); err == nil {
			t.Errorf("parseReasonCode(%q) = %d, want an error", in, got)
		}
	}
}
