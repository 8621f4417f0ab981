// Package client talks to a certificate authority over its HTTP API, and keeps
// certificates of programs valid.
//
// A Client makes single calls: New with a root certificate or its fingerprint,
// or Bootstrap with nothing but a one-time token. An Identity is a key with a
// certificate that renews itself before it expires; its TLS configurations
// always present the newest one. A Provisioner mints one-time tokens.
//
// Calls return *api.Error when the CA refuses and *RequestError when it could
// not be reached or understood.
//
// It is not an ACME client, and it does not keep anything on disk.
package client
