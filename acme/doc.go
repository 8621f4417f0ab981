// Package acme holds the objects of the ACME protocol (RFC 8555) and how their
// states change: accounts, orders, authorizations, challenges, identifiers and
// problems. Its functions are pure: they neither store nor send anything.
//
// Package acme/va validates challenges, package acme/acmeserver serves the
// protocol over HTTP, and package store keeps the records, in which an order
// holds its authorizations and challenges.
package acme
