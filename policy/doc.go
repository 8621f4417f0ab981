// Package policy holds names against the allow and deny lists of an operator.
//
// Rules are written per kind of name: cn, dns, ip, email and uri for X.509
// certificates; email, principal, dns and ip for SSH certificates. A deny rule
// wins over an allow rule, and one allow rule of any kind makes every other kind
// denied unless it has rules of its own. Without any rule all is allowed. A
// wildcard rule *.example.com stands for exactly one further label.
//
// Parse compiles a policy once; a check is a few map look-ups. Names are checked
// as the rendered certificate holds them; where they come from, and whether the
// requester may have them, is the business of package provisioner. Refusals are
// *ca.Error values of kind ca.ErrRejectedIdentifier.
package policy
