package revocation_test

import (
	"crypto/ed25519"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

// TestKRLIsReadByOpenSSH has ssh-keygen print lists of several sizes.
func TestKRLIsReadByOpenSSH(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ssh-keygen is missing")
		}
		t.Skip("ssh-keygen is missing")
	}
	key, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		t.Fatal(err)
	}
	many := make([]uint64, 2000)
	for i := range many {
		many[i] = uint64(i+1) * 0x1234567890ab // no two in a row, which it would print as a range
	}
	for name, serials := range map[string][]uint64{
		"none": nil, "one": {7}, "the ends": {1, math.MaxInt64, math.MaxInt64 + 2, math.MaxUint64}, "many": many,
	} {
		db := store.New(mem.New(), store.Options{})
		for _, n := range slices.Backward(serials) {
			if err := db.SSHRevoke(t.Context(), &ca.Revocation{Serial: strconv.FormatUint(n, 10)}, nil); err != nil {
				t.Fatal(err)
			}
		}
		s, err := revocation.New(revocation.Config{Store: db, Settings: revocation.Settings{SSHKeys: []ssh.PublicKey{key, key}}})
		if err != nil {
			t.Fatal(err)
		}
		krl, err := s.KRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "krl")
		if err := os.WriteFile(file, krl.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(keygen, "-Q", "-l", "-f", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		var got []uint64
		for _, m := range regexp.MustCompile(`(?m)^serial: (\d+)$`).FindAllSubmatch(out, -1) {
			n, err := strconv.ParseUint(string(m[1]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if !slices.Equal(got, serials) {
			t.Errorf("%s: ssh-keygen reads %d serial numbers, want %d: %.300s", name, len(got), len(serials), out)
		}
		if version := regexp.MustCompile(`KRL version (\d+)`).FindSubmatch(out); version == nil || string(version[1]) != strconv.FormatUint(krl.Version, 10) {
			t.Errorf("%s: version %s, want %d", name, version, krl.Version)
		}
	}
}
