package ca_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"stepca/ca"
)

func TestProvisionerExtension(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ext ca.ProvisionerExtension
		der string
	}{
		{ca.ProvisionerExtension{Type: ca.TypeX5C, Name: []byte("x5c1"), CredentialID: []byte{}}, "300b0201070404783563310400"},
		{ca.ProvisionerExtension{Type: ca.TypeOIDC, Name: []byte("oidc1"), CredentialID: []byte("cid")}, "300f02010204056f696463310403636964"},
		{ca.ProvisionerExtension{Type: ca.TypeAWS, Name: []byte("aws1"), CredentialID: []byte("111122223333"), KeyValuePairs: []string{"InstanceID", "i-54158aef32de"}},
			"3035020104040461777331040c313131313232323233333333301c130a496e7374616e63654944130e692d353431353861656633326465"},
	} {
		der, err := tt.ext.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(der) != tt.der {
			t.Errorf("Marshal(%v) = %x, want %s", tt.ext, der, tt.der)
		}
		back, err := ca.ParseProvisionerExtension(der)
		if err != nil || back.Type != tt.ext.Type || string(back.Name) != string(tt.ext.Name) || len(back.KeyValuePairs) != len(tt.ext.KeyValuePairs) {
			t.Errorf("ParseProvisionerExtension(%x) = %v, %v", der, back, err)
		}
	}
	if _, err := ca.ParseProvisionerExtension([]byte{0x30, 0x0b, 2, 1, 7, 4, 4, 'x', '5', 'c', '1', 4, 0, 0}); err == nil {
		t.Error("trailing data was accepted")
	}
}

func TestTimeOrDuration(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		json string
		want time.Time
		ok   bool
	}{
		{`""`, time.Time{}, true},
		{`null`, time.Time{}, true},
		{`"0s"`, time.Time{}, true},
		{`"1h30m"`, base.Add(90 * time.Minute), true},
		{`"-5m"`, base.Add(-5 * time.Minute), true},
		{`"2026-02-03T04:05:06+01:00"`, time.Date(2026, 2, 3, 3, 5, 6, 0, time.UTC), true},
		{`"1d"`, time.Time{}, false},
		{`5`, time.Time{}, false},
	} {
		var v ca.TimeOrDuration
		err := json.Unmarshal([]byte(tt.json), &v)
		if (err == nil) != tt.ok || !v.At(base).Equal(tt.want) {
			t.Errorf("%s = %v, %v, want %v, ok: %v", tt.json, v.At(base), err, tt.want, tt.ok)
		}
	}
}

func TestDurationTexts(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`5`:    "error unmarshaling 5: json: cannot unmarshal number into Go value of type string",
		`"1d"`: `error parsing 1d as duration: time: unknown unit "d" in duration "1d"`,
	} {
		var d ca.Duration
		if err := json.Unmarshal([]byte(data), &d); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", data, err, want)
		}
	}
	out, err := json.Marshal(ca.Duration(24 * time.Hour))
	if err != nil || string(out) != `"24h0m0s"` {
		t.Errorf("24 hours are %s, %v", out, err)
	}
}

func TestSerialNumbers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		n := ca.NewSerialNumber()
		if n.Sign() <= 0 || n.BitLen() > 127 || seen[n.String()] {
			t.Fatalf("serial number %v", n)
		}
		seen[n.String()] = true
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk on fire")
	for _, tt := range []struct {
		err    *ca.Error
		detail string
		text   string
	}{
		{ca.Errorf(ca.ErrForbidden, "no %s", "way"), "no way", "no way"},
		{ca.Errorf(ca.ErrForbidden, "reading: %w", cause), "reading: disk on fire", "reading: disk on fire"},
		{ca.Hidden(ca.ErrForbidden, "secret: %w", cause), "", "secret: disk on fire"},
		{&ca.Error{Kind: ca.ErrForbidden, Detail: "no", Cause: cause}, "no", "no: disk on fire"},
		{&ca.Error{Kind: ca.ErrForbidden}, "", "forbidden"},
	} {
		if tt.err.Detail != tt.detail || tt.err.Error() != tt.text || !errors.Is(tt.err, ca.ErrForbidden) {
			t.Errorf("detail %q, text %q, want %q, %q", tt.err.Detail, tt.err.Error(), tt.detail, tt.text)
		}
		if tt.err.Cause != nil && !errors.Is(tt.err, cause) {
			t.Errorf("%v hides its cause from errors.Is", tt.err)
		}
	}
}
