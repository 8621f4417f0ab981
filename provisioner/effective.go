package provisioner

// EffectiveRules returns the rules that claims at several levels come to, the
// built-in ones first and then the given levels, outermost first; a nil level
// changes nothing. With faults they cannot be used.
func EffectiveRules(levels ...*Claims) (rules Rules, faults []*ClaimError) {
	rules = builtinRules()
	for _, c := range levels {
		rules = rules.merge(c)
	}
	return rules, rules.faults()
}
