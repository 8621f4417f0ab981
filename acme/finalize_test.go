package acme_test

import (
	"testing"
	"time"

	"stepca/acme"
)

// readyOrder expires an hour after now.
func readyOrder(now time.Time) *acme.Order {
	return &acme.Order{Status: acme.StatusReady, Expires: now.Add(time.Hour), Authorizations: []*acme.Authorization{
		{Status: acme.StatusValid, Expires: now.Add(time.Hour)},
	}}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const minute = time.Minute
	begin := func(claim string, at time.Duration) func(*acme.Order) error {
		return func(o *acme.Order) error { return o.Begin(claim, now.Add(at+2*minute), now.Add(at)) }
	}
	complete := func(claim string, at time.Duration) func(*acme.Order) error {
		return func(o *acme.Order) error { return o.Complete(claim, "id", "1", now.Add(at)) }
	}
	deactivate := func(o *acme.Order) error { return o.Authorizations[0].Deactivate(now) }
	release := func(o *acme.Order) error { o.Release("b"); return nil }
	for _, tt := range []struct {
		name  string
		steps []func(*acme.Order) error // all but the last succeed
		ok    bool                      // whether the last does
	}{
		{"completed by who claimed it", []func(*acme.Order) error{begin("a", 0), complete("a", minute)}, true},
		{"not claimed twice", []func(*acme.Order) error{begin("a", 0), begin("b", minute)}, false},
		{"not completed by another", []func(*acme.Order) error{begin("a", 0), complete("b", minute)}, false},
		{"not completed without a claim meanwhile", []func(*acme.Order) error{begin("a", 0), complete("", minute)}, false},
		{"claimed again when the claim lapsed", []func(*acme.Order) error{begin("a", 0), begin("b", 2*minute)}, true},
		{"then it is not the first one's any more", []func(*acme.Order) error{begin("a", 0), begin("b", 2*minute), complete("a", 3*minute)}, false},
		{"a lapsed claim that nobody took is good", []func(*acme.Order) error{begin("a", 0), complete("a", 3*minute)}, true},
		{"the end of the order does not end a claim", []func(*acme.Order) error{begin("a", 59*minute), complete("a", 61*minute)}, true},
		{"nor does a deactivation", []func(*acme.Order) error{begin("a", 0), deactivate, complete("a", minute)}, true},
		{"released by another: no", []func(*acme.Order) error{begin("a", 0), release, begin("c", minute)}, false},
		{"released", []func(*acme.Order) error{begin("b", 0), release, begin("c", minute)}, true},
		{"not ready", []func(*acme.Order) error{deactivate, begin("a", 0)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := readyOrder(now)
			for i, step := range tt.steps {
				err := step(o)
				if want := i < len(tt.steps)-1 || tt.ok; (err == nil) != want {
					t.Fatalf("step %d: %v, want success: %v", i+1, err, want)
				}
				o.Advance(now) // as any reader of the order does
			}
		})
	}
}
