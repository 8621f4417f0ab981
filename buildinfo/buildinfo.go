// Package buildinfo is the version of a program: what its release build was
// told, or else what the Go toolchain recorded in it.
package buildinfo

import (
	"runtime/debug"
	"time"
)

// An Info is the version of a program.
type Info struct {
	Version string // without a leading "v" in releases; "0000000-dev" if nothing is known
	Date    string // of the release or commit, "2006-01-02 15:04 UTC"; "unknown"
}

// dateFormat is how people are shown the date; the linker is given RFC 3339,
// which has no spaces.
const dateFormat = "2006-01-02 15:04 UTC"

// New returns what the linker set (-ldflags "-X main.version=…"), and fills in
// what it did not.
func New(version, date string) Info {
	i := Info{version, date}
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		i.Date = t.UTC().Format(dateFormat)
	}
	recorded, _ := debug.ReadBuildInfo() // nil: a program built without modules
	if i.Version == "" {
		i.Version = "0000000-dev"
		if recorded != nil && recorded.Main.Version != "" && recorded.Main.Version != "(devel)" {
			i.Version = recorded.Main.Version
		}
	}
	if i.Date == "" {
		i.Date = "unknown"
		if recorded != nil {
			i.Date = commitDate(recorded.Settings, i.Date)
		}
	}
	return i
}

func commitDate(settings []debug.BuildSetting, otherwise string) string {
	for _, s := range settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return t.UTC().Format(dateFormat)
		}
	}
	return otherwise
}
