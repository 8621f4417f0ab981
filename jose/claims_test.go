package jose

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestClaimsFaults(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) *NumericDate { return NewNumericDate(now.Add(d)) }
	expected := Expected{Issuer: "i", Subject: "s", Audience: []string{"a", "b"}, Now: now, Leeway: Leeway}
	tests := []struct {
		name   string
		claims Claims
		want   []error
	}{
		{"all as expected", Claims{Issuer: "i", Subject: "s", Audience: Audience{"x", "b"}, NotBefore: at(0), Expiry: at(0), IssuedAt: at(0)}, nil},
		{"times are optional", Claims{Issuer: "i", Subject: "s", Audience: Audience{"a"}}, nil},
		{"at the ends of the leeway", Claims{Issuer: "i", Subject: "s", Audience: Audience{"a"}, NotBefore: at(Leeway), Expiry: at(-Leeway), IssuedAt: at(Leeway)}, nil},
		{"beyond the leeway", Claims{Issuer: "i", Subject: "s", Audience: Audience{"a"}, NotBefore: at(Leeway + time.Second), Expiry: at(-Leeway - time.Second), IssuedAt: at(Leeway + time.Second)}, []error{ErrNotValidYet, ErrExpired, ErrIssuedInTheFuture}},
		{"nothing as expected", Claims{Audience: Audience{"A"}}, []error{ErrIssuer, ErrSubject, ErrAudience}},
		{"no audience", Claims{Issuer: "i", Subject: "s"}, []error{ErrAudience}},
	}
	for _, test := range tests {
		if got := test.claims.Faults(expected); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		err := test.claims.Validate(expected)
		if len(test.want) == 0 && err != nil || len(test.want) > 0 && !errors.Is(err, test.want[0]) {
			t.Errorf("%s: Validate() = %v", test.name, err)
		}
	}
	if faults := (&Claims{}).Faults(Expected{}); faults != nil {
		t.Errorf("nothing expected: %v", faults)
	}
}

func TestClaimsJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want string // after parsing and writing; empty means it is refused
	}{
		`{"aud":"a"}`:           {`{"aud":"a"}`},
		`{"aud":["a"]}`:         {`{"aud":"a"}`},
		`{"aud":["a","b"]}`:     {`{"aud":["a","b"]}`},
		`{"aud":7}`:             {},
		`{"exp":1.9}`:           {`{"exp":1}`},
		`{"exp":1e300}`:         {`{"exp":253402300799}`},
		`{"exp":1e999}`:         {`{"exp":253402300799}`},
		`{"exp":-1e300}`:        {`{"exp":-253402300799}`},
		`{"exp":"1"}`:           {},
		`{"exp":0}`:             {`{"exp":0}`},
		`{"sub":"a","SUB":"b"}`: {`{"sub":"a"}`},
		`{"sub":"a","sub":"b"}`: {},
		`{"sub":["a"]}`:         {},
	}
	for text, test := range tests {
		var claims Claims
		if err := Unmarshal([]byte(text), &claims); err != nil {
			if test.want != "" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		got, err := json.Marshal(claims)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v, want %q", text, got, err, test.want)
		}
	}
}
