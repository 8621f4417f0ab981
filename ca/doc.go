// Package ca holds the nouns of the certificate authority: what is asked for
// (Request), what a provisioner allows (Grant), what may be named (Identifier),
// for how long (Validity, Limits), what comes out (Certificate), what ends it
// early (Revocation), and the kinds of errors that a requester can be told of.
// It has no behaviour beyond what those values mean, imports nothing of ours,
// and knows neither HTTP nor a database.
//
// # The story of one certificate
//
// A client sends a CSR and a one-time token to POST /sign. Package apiserver
// decodes them to a Request and hands it to package issue, which takes five
// steps:
//
//	authorize  package provisioner verifies the token and answers with a Grant
//	render     package template writes the contents from the Grant and the CSR
//	check      names, key, validity, policy and lint are read off the contents
//	sign       the one use of the issuer's key
//	record     package store spends the token and keeps the certificate, in one
//	           transaction; only then is the answer sent
//
// Renewing and rekeying put another authorize step, with a certificate as
// evidence, in front of the same road. ACME and SCEP do likewise.
package ca
