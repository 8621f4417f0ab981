package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"stepca/ca"
)

// TestEnvelopesAreReadAsJSON compares what is read in one pass with what the JSON
// decoder makes of it.
func TestEnvelopesAreReadAsJSON(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC)
	plain := &ACMEOrder{ID: "o", AccountID: "a", CreatedAt: now, ExpiresAt: now.Add(time.Hour), Data: json.RawMessage(`{"x":",\"data\":"}`)}
	alias, odd, alone := *plain, *plain, *plain
	alias.Aliases = []string{`,"data":{}`}
	odd.ID = "ö<\"\\"
	alone.Authorizes = &ca.Identifier{Type: ca.DNS, Value: "a.example"}
	for _, o := range []*ACMEOrder{plain, &alias, &odd, &alone} {
		compareEnvelope(t, o)
	}
	for _, id := range []string{"acme/a", "ö"} {
		compareEnvelope(t, &ACMEAccount{ID: "1", Provisioner: id, Thumbprint: "t", CreatedAt: now, Data: json.RawMessage(`[1]`)})
	}
}

func compareEnvelope[T any](t *testing.T, rec *T) {
	t.Helper()
	value, err := encode(rec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode[T]("bucket", nil, value)
	if err != nil {
		t.Fatal(err)
	}
	want := new(T)
	if err := json.Unmarshal(value, want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is read as %+v, by the decoder as %+v, %v", value, got, want, err)
	}
}
