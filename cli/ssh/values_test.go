package ssh

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"stepca/api"
)

func TestUserPrincipals(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"alice":             {"alice"},
		"alice@example.com": {"alice", "alice@example.com"},
		"Alice.Doe@x.y":     {"alicedoe", "Alice.Doe", "Alice.Doe@x.y"},
		"a+b@x.y":           {"a_b", "a+b", "a+b@x.y"},
		"@x.y":              {"_xy", "@x.y"},
		"a@b@c":             {"a_b", "a@b", "a@b@c"},
		"alice-2":           {"alice-2"},
	} {
		if got := userPrincipals(in); !slices.Equal(got, want) {
			t.Errorf("userPrincipals(%q) = %q, want %q", in, got, want)
		}
	}
}

// A zero in front does not make a number octal, and so another one.
func TestParseSerial(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1": "1", "017": "17", "0x1F": "31", "0Xff": "255", "18446744073709551615": "18446744073709551615",
		"": "", "0x": "", "-1": "", "1_000": "", "0b1": "", "1f": "", "18446744073709551616": "", "0x10000000000000000": "",
	} {
		if got, err := parseSerial(in); got != want || (err == nil) != (want != "") {
			t.Errorf("parseSerial(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestParseHostID(t *testing.T) {
	t.Parallel()
	const id = "11111111-2222-4333-8444-555555555555"
	if got, err := parseHostID(id); err != nil || got != id {
		t.Errorf("parseHostID(%q) = %q, %v", id, got, err)
	}
	const want = "invalid value 'x' for flag '--host-id'; options are [ machine | <UUID> ]"
	if _, err := parseHostID("x"); err == nil || err.Error() != want {
		t.Errorf("parseHostID(x): %v, want %s", err, want)
	}
	a, err := hashMachineID([]byte("0123456789abcdef0123456789abcdef\n"))
	if err != nil || a[14] != '4' {
		t.Errorf("hashMachineID = %q, %v, want a UUID of version 4", a, err)
	}
	if b, _ := hashMachineID([]byte("1123456789abcdef0123456789abcdef\n")); a == b {
		t.Error("two machines have the same UUID")
	}
}

func TestBastionArgs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		bastion api.SSHBastion
		want    []string
	}{
		{"a name alone", api.SSHBastion{Hostname: "b"}, []string{"--", "b", "nc h1.local 22"}},
		{"everything", api.SSHBastion{Hostname: "b", User: "u", Port: "2222", Flags: "-v -o A=b", Command: "c %r@%h:%p 100%%"},
			[]string{"-l", "u", "-p", "2222", "-v", "-o", "A=b", "--", "b", "c joe@h1.local:22 100%"}},
	}
	for _, tt := range tests {
		if got, err := bastionArgs(&tt.bastion, target{"joe", "h1.local", "22"}); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	for _, to := range []target{{"joe", "h;reboot", "22"}, {"joe", "$(id)", "22"}, {"joe", "-h", "22"}, {"j`x`", "h", "22"}, {"joe", "h", "22 | x"}, {"joe", "a b", "22"}} {
		if got, err := bastionArgs(&api.SSHBastion{Hostname: "b"}, to); err == nil {
			t.Errorf("%q gives %q, want an error", to, got)
		}
	}
}

func krlOf(version uint64) []byte {
	b := slices.Clone(krlMagic)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint64(b, version)
	return append(b, make([]byte, 24)...)
}

func TestParseKRL(t *testing.T) {
	t.Parallel()
	if v, err := parseKRL(krlOf(7)); err != nil || v != 7 {
		t.Errorf("parseKRL = %d, %v, want 7", v, err)
	}
	wrongFormat := krlOf(7)
	wrongFormat[11] = 2
	for name, data := range map[string][]byte{
		"nothing": nil, "a page": []byte("<html>"), "cut short": krlOf(7)[:20], "another format": wrongFormat,
	} {
		if v, err := parseKRL(data); err == nil {
			t.Errorf("%s: version %d, want an error", name, v)
		}
	}
}

func FuzzParseKRL(f *testing.F) {
	f.Add(krlOf(7))
	f.Add(krlOf(1<<64 - 1)[:30])
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := parseKRL(data); err == nil && !bytes.HasPrefix(data, krlOf(v)[:20]) {
			t.Errorf("%x has version %d", data, v)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dcz me"))
	f.Add([]byte("@cert-authority * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dcz"))
	f.Add([]byte("AAAAC3NzaC1lZDI1NTE5AAAAICFo/k5LU8863u66YC9eUO2170QduohPURkQnbLa/dcz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := parsePublicKey("file", data)
		if err != nil {
			return
		}
		openSSHFingerprint.line(key.PublicKey, key.comment)
		again, err := parsePublicKey("file", encodePublicKey(key.PublicKey, key.comment))
		if err != nil || string(again.Marshal()) != string(key.Marshal()) {
			t.Errorf("a key that was read is not read again: %v", err)
		}
	})
}
