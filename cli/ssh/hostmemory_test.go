package ssh

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestHostMemory(t *testing.T) {
	t.Parallel()
	m := hostMemory(filepath.Join(t.TempDir(), "ssh", "hosts"))
	note := func(host string, exists bool) {
		t.Helper()
		if err := m.note(host, exists); err != nil {
			t.Fatal(err)
		}
	}
	note("h1.local", true)
	if m.has("h1.local") {
		t.Error("a host is remembered without step ssh config")
	}
	if err := os.Mkdir(filepath.Dir(string(m)), 0o700); err != nil {
		t.Fatal(err)
	}
	note("H1.local", true)
	note("h2.local", true)
	note("other", false)
	if !m.has("h1.LOCAL") || !m.has("h2.local") || m.has("other") || m.has("h") {
		t.Errorf("these are remembered: %q", m.names())
	}
	note("h1.local", false)
	if m.has("h1.local") || !m.has("h2.local") {
		t.Errorf("these are remembered after one is gone: %q", m.names())
	}
	for i := range maxRemembered {
		note(fmt.Sprintf("n%d", i), true)
	}
	if got := m.names(); len(got) != maxRemembered || got[0] != "n0" {
		t.Errorf("%d hosts are remembered, from %q on", len(got), got[0])
	}
	m.forget()
	if m.has("n0") {
		t.Error("a host is remembered still")
	}
}
