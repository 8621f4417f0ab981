package keyfile

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverShown(t *testing.T) {
	t.Parallel()
	s := NewSecret([]byte("hunter2"))
	type config struct {
		Password Secret
		private  Secret
		nested   *struct{ s Secret }
		list     []Secret
	}
	c := config{Password: s, private: s, nested: &struct{ s Secret }{s}, list: []Secret{s}}
	shown := []string{s.String(), s.GoString(), fmt.Errorf("wrong: %w, %v", fmt.Errorf("%q", s), s).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%T"} {
		for _, value := range []any{s, &s, c, &c, []Secret{s}, map[string]Secret{"a": s}} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
	}
	for _, value := range []any{s, &s, c} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(text))
		if text, err = xml.Marshal(s); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(text))
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "s", s, "c", c)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "s", s, "c", c)
	shown = append(shown, logged.String())
	for _, text := range shown {
		// In hex, decimal bytes and base64 as well.
		for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117 110", "0x68", "aHVudGVyMg"} {
			if strings.Contains(text, leak) {
				t.Errorf("shown as %s", text)
			}
		}
	}
	if got := fmt.Sprintf("%v %s", s, s); got != "[redacted] [redacted]" {
		t.Errorf("printed as %s", got)
	}
}

func TestSecretValue(t *testing.T) {
	t.Parallel()
	var none Secret
	empty := NewSecret(nil)
	if !none.IsZero() || none.Reveal() != nil || empty.IsZero() || empty.Reveal() == nil {
		t.Error("an empty secret and no secret are not told apart")
	}
	s := NewSecret([]byte("a"))
	s.Reveal()[0] = 'b'
	if string(s.Reveal()) != "a" {
		t.Error("Reveal gives the secret away to be changed")
	}
	if !s.Equal(NewSecret([]byte("a"))) || s.Equal(empty) || none.Equal(empty) || !none.Equal(Secret{}) {
		t.Error("Equal does not compare values")
	}
	var c struct{ Password Secret }
	if err := json.Unmarshal([]byte(`{"password":"x\ny"}`), &c); err != nil || string(c.Password.Reveal()) != "x\ny" {
		t.Errorf("from JSON: %q, %v", c.Password.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"password":"[redacted]"}`), &c); err == nil {
		t.Error("a redacted secret was taken for a secret")
	}
}
