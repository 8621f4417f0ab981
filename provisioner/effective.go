package provisioner

// EffectiveRules returns the rules that claims at several levels come to, the
// built-in ones first and then the given levels, outermost first; a nil level
// changes nothing. fault is the error with which they cannot be used, warning
// what is wrong with the SSH durations; both are nil if all is well.
func EffectiveRules(levels ...*Claims) (rules Rules, fault, warning error) {
	rules = builtinRules()
	for _, c := range levels {
		rules = rules.merge(c)
	}
	return rules, rules.validate(), rules.validateSSH()
}
