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

// TestRecordsAreWrittenAsJSON compares what records write of themselves with what
// encoding/json makes of them: with no member set, and with all.
func TestRecordsAreWrittenAsJSON(t *testing.T) {
	t.Parallel()
	for _, rec := range []any{new(SSHCertificate), new(Certificate), new(ACMEOrder), new(ACMEAccount), new(spentToken)} {
		compareWritten(t, rec)
		for _, text := range []string{"plain", "ö <\"\\>"} {
			fillIn(reflect.ValueOf(rec).Elem(), text)
			compareWritten(t, rec)
		}
	}
}

func compareWritten(t *testing.T, rec any) {
	t.Helper()
	if _, ok := rec.(writable); !ok {
		t.Errorf("%T does not write itself", rec)
	}
	got, err := encode(rec)
	want, wantErr := json.Marshal(rec)
	if err != nil || wantErr != nil || string(got) != string(want) {
		t.Errorf("%T is written as %s, %v; by encoding/json as %s, %v", rec, got, err, want, wantErr)
	}
}

// fillIn sets all of v, and so every field that a record is ever given.
func fillIn(v reflect.Value, text string) {
	switch to := v.Addr().Interface().(type) {
	case *time.Time:
		*to = time.Date(2026, 11, 21, 1, 2, 3, 4, time.UTC)
		return
	case *json.RawMessage:
		*to = json.RawMessage(`{"x":[1,"y"]}`)
		return
	case *[]byte:
		*to = []byte{1, 2, 0xff}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillIn(v.Field(i), text)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillIn(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillIn(v.Index(i), text)
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Uint64:
		v.SetUint(1<<63 + 1)
	default:
		panic("a record has a member of the new kind " + v.Kind().String() + ": teach it to this test")
	}
}
