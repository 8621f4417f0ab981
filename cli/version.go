package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

func versionCommand(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print the version of this program",
		Args:  NoArgs,
		RunE:  func(*cobra.Command, []string) error { return env.writeVersion() },
	}
	Standalone(cmd)
	return cmd
}

// writeVersion keeps the form of the reference, whose first line scripts parse.
func (env *Env) writeVersion() error {
	_, err := fmt.Fprintf(env.Stdout, "%s\nRelease Date: %s\n", env.UserAgent(), env.Build.orRecorded().Date)
	return err
}

// UserAgent names the program, its version and its platform, as requests do.
func (env *Env) UserAgent() string {
	return fmt.Sprintf("Smallstep CLI/%s (%s/%s)", env.Build.orRecorded().Version, runtime.GOOS, runtime.GOARCH)
}

// orRecorded fills in what the Go toolchain recorded in the program.
func (b Build) orRecorded() Build {
	info, _ := debug.ReadBuildInfo() // nil: a program built without modules
	if b.Version == "" {
		b.Version = "0000000-dev"
		if info != nil && info.Main.Version != "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
	}
	if b.Date == "" {
		b.Date = "unknown"
		if info != nil {
			b.Date = commitDate(info.Settings, b.Date)
		}
	}
	return b
}

func commitDate(settings []debug.BuildSetting, otherwise string) string {
	for _, s := range settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return t.UTC().Format("2006-01-02 15:04 UTC")
		}
	}
	return otherwise
}
