// Package va validates ACME challenges: it looks at the network, or at an
// attestation statement, and says whether the client controls an identifier. A
// file a challenge type:
//
//	http01.go          RFC 8555 §8.3, RFC 8738 for IP addresses
//	dns01.go           RFC 8555 §8.4
//	tlsalpn01.go       RFC 8737, RFC 8738
//	dnsaccount01.go    draft-ietf-acme-dns-account-label-02
//	dnspersist01.go    draft-ietf-acme-dns-persist-02
//	deviceattest01.go  draft-ietf-acme-device-attest, with a file a format
//	caa.go             RFC 8659, RFC 8657
//
// It keeps no state of orders and stores nothing; that is package acme's and the
// server's part. One call makes one attempt, in bounded time and memory whatever
// the other side does.
package va
