package kv_test

import (
	"errors"
	"strings"
	"testing"

	"stepca/kv"
)

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, want string }{
		{"a", "b"}, {"a\xff", "b"}, {"\x00", "\x01"}, {"az", "a{"}, {"", ""}, {"\xff\xff", ""},
	} {
		got := kv.PrefixEnd([]byte(test.prefix))
		if string(got) != test.want || (test.want == "") != (got == nil) {
			t.Errorf("PrefixEnd(%q) = %q, want %q", test.prefix, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", kv.MaxKeyLen+1)
	tests := []struct {
		bucket, key string
		ok, large   bool
	}{
		{"certs_by_name", "k", true, false},
		{"x509", long[1:], true, false},
		{strings.Repeat("b", kv.MaxBucketLen), "k", true, false},
		{strings.Repeat("b", kv.MaxBucketLen+1), "k", false, true},
		{"b", long, false, true},
		{"b", "", false, false},
		{"", "k", false, false},
		{"Certs", "k", false, false},
		{"a.b", "k", false, false},
	}
	for _, test := range tests {
		err := kv.CheckKey(test.bucket, []byte(test.key))
		if (err == nil) != test.ok || errors.Is(err, kv.ErrTooLarge) != test.large {
			t.Errorf("CheckKey(%q, %d bytes) = %v", test.bucket, len(test.key), err)
		}
	}
}

func TestExistsError(t *testing.T) {
	t.Parallel()
	var err error = &kv.ExistsError{Bucket: "b", Key: []byte{1, 0xff}}
	if !errors.Is(err, kv.ErrExists) || errors.Is(err, kv.ErrNotFound) || err.Error() != "key 01ff in b already exists" {
		t.Errorf("%v is not an ErrExists that names the key", err)
	}
}
