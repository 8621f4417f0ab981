package acmeserver

import (
	"maps"
	"slices"
	"strings"

	"stepca/acme"
	"stepca/ca"
)

// orderGrant returns what an order with a profile ("" for none) may have. A profile
// that is not offered, or not any more, is refused with invalidProfile
// (draft-ietf-acme-profiles §4).
func (x *exchange) orderGrant(profile string) (*ca.Grant, error) {
	grant, ok := x.prov.OrderGrant(profile)
	if ok {
		return grant, nil
	}
	offered := slices.Sorted(maps.Keys(x.prov.Profiles))
	if len(offered) == 0 {
		return nil, acme.NewProblem(acme.ProblemInvalidProfile, "there are no profiles here")
	}
	return nil, acme.NewProblem(acme.ProblemInvalidProfile, "there is no profile %q; there are %s", clip(profile), strings.Join(offered, ", "))
}
