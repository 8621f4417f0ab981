// Package issue is the pipeline: the one road on which a request becomes a
// certificate. It has five steps, in this order and with nothing beside it:
//
//	authorize  evidence → ca.Grant
//	render     grant + request → contents; the only step that writes contents
//	check      contents → prepared; reads only
//	sign       prepared → signature; the one use of the issuer's key
//	record     spend the one-time ID and keep the certificate, in one transaction
//
// A prepared value can only be made by check and is spent by sign, so unchecked
// contents cannot reach a key. X.509 is in x509.go, SSH in ssh.go; renewing and
// rekeying are another authorize step, not another road.
//
// The package knows no protocol and no database: it declares what it needs of
// the store, and gives errors of the kinds in package ca.
package issue
