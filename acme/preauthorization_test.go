package acme_test

import (
	"testing"
	"time"

	"stepca/acme"
	"stepca/ca"
	"stepca/store"
)

func TestAuthorizationForAnotherOrder(t *testing.T) {
	t.Parallel()
	now := time.Now()
	valid := func() *acme.Authorization {
		return &acme.Authorization{
			ID: "a", Identifier: acme.Identifier{Type: ca.DNS, Value: "a.example"}, Status: acme.StatusValid, Expires: now.Add(2 * time.Hour),
			CAAChecked: now,
			Challenges: []*acme.Challenge{
				{ID: "d", Type: acme.DNS01, Status: acme.StatusPending, Token: "t"},
				{ID: "h", Type: acme.HTTP01, Status: acme.StatusValid, Token: "t", Validated: now},
			},
		}
	}
	for _, tt := range []struct {
		name string
		edit func(*acme.Authorization)
		want bool
	}{
		{"valid", func(*acme.Authorization) {}, true},
		{"pending", func(a *acme.Authorization) { a.Status = acme.StatusPending }, false},
		{"deactivated", func(a *acme.Authorization) { a.Status = acme.StatusDeactivated }, false},
		{"valid without a valid challenge", func(a *acme.Authorization) { a.Challenges = a.Challenges[:1] }, false},
		{"good for less than an hour", func(a *acme.Authorization) { a.Expires = now.Add(time.Hour - time.Second) }, false},
		{"of a wildcard", func(a *acme.Authorization) { a.Wildcard = true }, false},
		{"proved by a record with a date", func(a *acme.Authorization) { a.Challenges[1].Type = acme.DNSPersist01 }, false},
		{"attested for one key", func(a *acme.Authorization) { a.Challenges[1].Type = acme.DeviceAttest01 }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := valid()
			tt.edit(a)
			order := acme.NewID()
			taken := a.For(order, now)
			if (taken != nil) != tt.want {
				t.Fatalf("For = %+v, want one: %v", taken, tt.want)
			}
			if taken == nil {
				return
			}
			c := taken.Challenges[0]
			if taken.ID[:store.ACMEIDPrefix] != order[:store.ACMEIDPrefix] || c.ID[:store.ACMEIDPrefix] != order[:store.ACMEIDPrefix] ||
				len(taken.Challenges) != 1 || c.Type != acme.HTTP01 || !taken.Expires.Equal(a.Expires) || !taken.CAAChecked.Equal(now) {
				t.Errorf("For = %+v with %+v", taken, c)
			}
			if err := taken.Deactivate(now); err != nil || a.Status != acme.StatusValid || a.Challenges[1].ID != "h" {
				t.Errorf("the copy's deactivation: %v, %+v", err, a)
			}
		})
	}
}

func TestStandaloneIsNoOrder(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := &acme.Authorization{ID: acme.NewID(), Status: acme.StatusValid, Expires: now.Add(time.Hour)}
	o := acme.NewStandalone("acc", "acme/a", a, now)
	rec := new(store.ACMEOrder)
	if err := o.Save(rec, o.Expires); err != nil || rec.Authorizes == nil || rec.ID != a.ID {
		t.Errorf("record %+v, %v", rec, err)
	}
	if err := o.Complete("", "id", "1", now); err == nil {
		t.Error("an authorization was finalized")
	}
}
