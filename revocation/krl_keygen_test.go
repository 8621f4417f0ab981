package revocation_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/kv/mem"
	"stepca/revocation"
	"stepca/store"
)

// readKRL has ssh-keygen print a list, and returns the serial numbers in it, in
// their order.
func readKRL(t *testing.T, krl *revocation.KRL) (serials []uint64, text string) {
	t.Helper()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ssh-keygen is missing")
		}
		t.Skip("ssh-keygen is missing")
	}
	file := filepath.Join(t.TempDir(), "krl")
	if err := os.WriteFile(file, krl.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(keygen, "-Q", "-l", "-f", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	for _, m := range regexp.MustCompile(`(?m)^serial: (\d+)$`).FindAllSubmatch(out, -1) {
		n, err := strconv.ParseUint(string(m[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		serials = append(serials, n)
	}
	return serials, string(out)
}

// publicKey is an Ed25519 key of repeated octets.
func publicKey(t *testing.T, octet byte) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.PublicKey(bytes.Repeat([]byte{octet}, ed25519.PublicKeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func revokeSSH(t *testing.T, db *store.Store, serials ...uint64) {
	t.Helper()
	for _, n := range serials {
		if err := db.SSHRevoke(t.Context(), &ca.Revocation{Serial: strconv.FormatUint(n, 10)}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKRLIsReadByOpenSSH has ssh-keygen print lists of several sizes.
func TestKRLIsReadByOpenSSH(t *testing.T) {
	t.Parallel()
	key := publicKey(t, 0)
	many := make([]uint64, 2000)
	for i := range many {
		many[i] = uint64(i+1) * 0x1234567890ab // no two in a row, which it would print as a range
	}
	for name, want := range map[string][]uint64{
		"none": nil, "one": {7}, "the ends": {1, math.MaxInt64, math.MaxInt64 + 2, math.MaxUint64}, "many": many,
	} {
		db := store.New(mem.New(), store.Options{})
		for _, n := range slices.Backward(want) {
			revokeSSH(t, db, n)
		}
		s, err := revocation.New(revocation.Config{Store: db, Settings: revocation.Settings{
			SSHUserKeys: []ssh.PublicKey{key, key}, SSHHostKeys: []ssh.PublicKey{key},
		}})
		if err != nil {
			t.Fatal(err)
		}
		krl, err := s.KRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, text := readKRL(t, krl)
		if !slices.Equal(got, want) {
			t.Errorf("%s: ssh-keygen reads %d serial numbers, want %d: %.300s", name, len(got), len(want), text)
		}
		if version := fmt.Sprintf("KRL version %d\n", krl.Version); !strings.Contains(text, version) {
			t.Errorf("%s: no %s in %.300s", name, version, text)
		}
	}
}

// TestKRLByKey checks that each key has the certificates of its kind, and those
// whose kind nobody knows.
func TestKRLByKey(t *testing.T) {
	t.Parallel()
	db := store.New(mem.New(), store.Options{})
	err := db.RecordSSH(t.Context(), &store.SSHIssuance{Certificates: []*store.SSHCertificate{
		{Serial: 15, Type: ca.SSHUser}, {Serial: 10, Type: ca.SSHHost}, {Serial: 20, Type: ca.SSHHost},
	}})
	if err != nil {
		t.Fatal(err)
	}
	revokeSSH(t, db, 10, 15, 20, 30)
	user, oldUser, host := publicKey(t, 1), publicKey(t, 2), publicKey(t, 3)
	for _, test := range []struct {
		settings revocation.Settings
		want     []uint64
	}{
		{revocation.Settings{SSHUserKeys: []ssh.PublicKey{user, oldUser}, SSHHostKeys: []ssh.PublicKey{host}}, []uint64{15, 30, 15, 30, 10, 20, 30}},
		{revocation.Settings{SSHHostKeys: []ssh.PublicKey{host}}, []uint64{10, 20, 30}},
		{revocation.Settings{SSHUserKeys: []ssh.PublicKey{user}, SSHHostKeys: []ssh.PublicKey{user, host}}, []uint64{10, 15, 20, 30, 10, 20, 30}},
	} {
		s, err := revocation.New(revocation.Config{Store: db, Settings: test.settings})
		if err != nil {
			t.Fatal(err)
		}
		krl, err := s.KRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got, text := readKRL(t, krl); !slices.Equal(got, test.want) {
			t.Errorf("ssh-keygen reads %d, want %d: %s", got, test.want, text)
		}
	}
}
