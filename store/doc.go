// Package store keeps what the CA must remember: certificates, revocations,
// spent tokens, refusals, SSH certificates and ACME objects, as typed records
// with indexes over an ordered key-value engine (package kv), a file a kind.
// It decides nothing about who may have what, and knows no protocol.
//
// # Records
//
// A record is a JSON value under a short binary key, so that a person can read
// it in an SQL console. What is listed is listed from an index, with a cursor,
// never by scanning all. An index entry is a key without a value:
//
//	what it is about ‖ time (5 octets) ‖ key of the record
//
// so that a scan of a prefix, backwards, yields the newest first.
//
// # Promises
//
// A method that writes is one transaction, durable when it returns: a
// certificate is kept with its index entries and the spending of its token, or
// nothing is. The exception says so: RecordRefusal.
//
// Store.Run deletes in small steps what can no longer matter, see Retention.
package store
