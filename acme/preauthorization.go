package acme

import "time"

// reuseMargin is how long an authorization without an order has to be good for yet,
// to be taken over by a new order, which is good no longer than it.
const reuseMargin = time.Hour

// NewStandalone returns the record of an authorization without an order, which
// expires with it. The ID of both is the same, for only the authorization is ever
// shown.
func NewStandalone(accountID, provisionerID string, a *Authorization, now time.Time) *Order {
	return &Order{
		ID: a.ID, AccountID: accountID, CreatedAt: now, Provisioner: provisionerID, Standalone: true,
		Status: StatusPending, Expires: a.Expires, Authorizations: []*Authorization{a},
	}
}

// Lasts reports whether the authorization is pending or valid, and will be so for an
// hour at least.
func (a *Authorization) Lasts(now time.Time) bool {
	return (a.Status == StatusPending || a.Status == StatusValid) && a.StatusAt(now.Add(reuseMargin)) == a.Status
}

// For returns a copy of the authorization for another order of the same account, of
// which it is a part from then on: what happens to one does not concern the other.
// It is nil if the authorization is not valid or does not last, if its
// challenge is one that has to be looked at each time, or if it is for a wildcard:
// pre-authorization is for exactly one name (RFC 8555 §7.4.1).
func (a *Authorization) For(orderID string, now time.Time) *Authorization {
	c := a.Fulfilled()
	if c == nil || a.Status != StatusValid || !a.Lasts(now) || a.Wildcard || !reusable(c.Type) {
		return nil
	}
	fulfilled := *c
	fulfilled.ID = NewPartID(orderID)
	taken := *a
	taken.ID, taken.Challenges = NewPartID(orderID), []*Challenge{&fulfilled}
	return &taken
}

// reusable reports whether what the challenge proved is good for orders to come.
// The record of dns-persist-01 can say for how long and is as quickly read again;
// an attestation is about one key.
func reusable(t ChallengeType) bool { return t != DNSPersist01 && t != DeviceAttest01 }
