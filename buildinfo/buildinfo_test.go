package buildinfo_test

import (
	"testing"

	"stepca/buildinfo"
)

func TestNew(t *testing.T) {
	t.Parallel()
	if got, want := buildinfo.New("1.2.3", "2026-11-21T03:04:05Z"), (buildinfo.Info{Version: "1.2.3", Date: "2026-11-21 03:04 UTC"}); got != want {
		t.Errorf("New = %v, want %v", got, want)
	}
	if got := buildinfo.New("", ""); got.Version == "" || got.Date == "" {
		t.Errorf("without the linker: %v", got)
	}
}
