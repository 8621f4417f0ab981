// Package revocation ends certificates before their time: it checks and records
// revocations, and keeps a certificate revocation list (CRL, RFC 5280 §5) for
// each issuer. Who may revoke is decided before, by a provisioner, a client
// certificate or an ACME account; HTTP is the business of the protocol edges.
//
// # What a revocation costs
//
// A list of a million entries is not built anew for one more. Each issuer's
// entries stay in memory as they stand in the list, encoded, in pieces that only
// grow; Revoke appends one. A list is signed in the background: the pieces are
// hashed where they are and served where they are. While one list is signed
// others wait, and the time spent on signing is bounded to a share of all time,
// so that a storm of revocations ends in a few lists.
//
// A reader who asks for the list after a revocation was acknowledged waits for
// the list that has it, if the configuration says that lists are made on
// revocation.
//
// Servers that share a database follow each other's revocations in the store.
package revocation
