package certificate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"stepca/cli"
)

// A trustStore is a place where programs look for root certificates.
type trustStore interface {
	install(context.Context, *trustAnchor) error
	uninstall(context.Context, *trustAnchor) error
}

// A runner runs a program that changes a trust store, stdin being its input.
type runner func(ctx context.Context, asRoot bool, stdin []byte, program string, args ...string) error

func newRunner(env *cli.Env) runner {
	return func(ctx context.Context, asRoot bool, stdin []byte, program string, args ...string) error {
		if sudo, err := exec.LookPath("sudo"); asRoot && err == nil {
			program, args = sudo, append([]string{"--", program}, args...)
		}
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Stdin = env.Stdin
		if stdin != nil {
			cmd.Stdin = bytes.NewReader(stdin)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("failed to execute %q failed with: %s",
				strings.Join(append([]string{program}, args...), " "), strings.TrimSpace(string(out)+"\n"+err.Error()))
		}
		return nil
	}
}

// javaStore is the key store of a Java installation.
type javaStore struct {
	home string // JAVA_HOME
	run  runner
}

// The password of Java's own key store, which protects nothing.
const javaPassword = "changeit"

func (s *javaStore) keytool(ctx context.Context, args ...string) error {
	if s.home == "" {
		return errors.New("the environment variable JAVA_HOME must name the Java installation")
	}
	var keystore string
	for _, dir := range []string{"lib", filepath.Join("jre", "lib")} {
		name := filepath.Join(s.home, dir, "security", "cacerts")
		if _, err := os.Stat(name); err == nil {
			keystore = name
		}
	}
	if keystore == "" {
		return fmt.Errorf("there is no key store below %s", s.home)
	}
	args = append(args, "-keystore", keystore, "-storepass", javaPassword)
	return s.run(ctx, runtime.GOOS != "windows", nil, filepath.Join(s.home, "bin", "keytool"), args...)
}

func (s *javaStore) install(ctx context.Context, a *trustAnchor) error {
	return s.keytool(ctx, "-importcert", "-noprompt", "-file", a.file, "-alias", a.name)
}

func (s *javaStore) uninstall(ctx context.Context, a *trustAnchor) error {
	return s.keytool(ctx, "-delete", "-alias", a.name)
}

// firefoxStore are the NSS databases of Firefox profiles.
type firefoxStore struct {
	profiles []string // directories
	run      runner
}

// firefoxProfiles are the directories of the user's profiles with a database.
func firefoxProfiles(env *cli.Env) []string {
	var profiles []string
	for _, pattern := range []string{
		filepath.Join(env.Path.Home, ".mozilla", "firefox", "*"),
		filepath.Join(env.Path.Home, "snap", "firefox", "common", ".mozilla", "firefox", "*"),
		filepath.Join(env.Path.Home, "Library", "Application Support", "Firefox", "Profiles", "*"),
		filepath.Join(env.Path.Home, "AppData", "Roaming", "Mozilla", "Firefox", "Profiles", "*"),
	} {
		matches, _ := filepath.Glob(filepath.Join(pattern, "cert9.db")) // the pattern is well formed
		for _, match := range matches {
			profiles = append(profiles, filepath.Dir(match))
		}
	}
	return profiles
}

func (s *firefoxStore) certutil(ctx context.Context, args ...string) error {
	if len(s.profiles) == 0 {
		return errors.New("there is no Firefox profile with a certificate database")
	}
	for _, profile := range s.profiles {
		if err := s.run(ctx, false, nil, "certutil", append(args[:len(args):len(args)], "-d", "sql:"+profile)...); err != nil {
			return err
		}
	}
	return nil
}

func (s *firefoxStore) install(ctx context.Context, a *trustAnchor) error {
	return s.certutil(ctx, "-A", "-t", "C,,", "-n", a.name, "-i", a.file)
}

func (s *firefoxStore) uninstall(ctx context.Context, a *trustAnchor) error {
	return s.certutil(ctx, "-D", "-n", a.name)
}
