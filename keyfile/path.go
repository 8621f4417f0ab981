package keyfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ResolvePath returns the path of a template that the configuration names: an
// absolute one as it is, "~/x" in the home directory, "./x" and "../x" in the
// working directory, anything else in stepPath.
func ResolvePath(path, stepPath string) (string, error) {
	slashed := filepath.ToSlash(path)
	switch {
	case filepath.IsAbs(path):
		return path, nil
	case strings.HasPrefix(slashed, "~/"):
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("resolving %s: %w", path, err)
		}
		return filepath.Join(home, slashed[2:]), nil
	case strings.HasPrefix(slashed, "./"), strings.HasPrefix(slashed, "../"):
		return filepath.Abs(path)
	}
	return filepath.Join(stepPath, path), nil
}
