// Package apiserver is the HTTP API of the CA but for ACME, SCEP and /admin: one
// file an endpoint, each a screen of decode, call the domain, encode. It owns
// what is only true on this wire: routes and their aliases, limits, the JSON of
// errors, request IDs, the access log. What a request means is decided in
// packages provisioner, issue and revocation.
package apiserver
