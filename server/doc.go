// Package server assembles a CA from its configuration and runs it: it opens
// the store and the keys, builds provisioners, issuers and policies into one
// immutable value, listens, reloads on SIGHUP without dropping a connection,
// and drains on the way out. It decides nothing about certificates; it only
// joins the rooms that do.
//
// # Who owns what
//
// A Server lives as long as the process and owns what a reload must not touch:
// the store, the listeners, the metrics. An authority is everything that comes
// out of one reading of ca.json; requests load the current one once and see it
// unchanged until they end. A reload builds the next authority completely
// before it takes the place of the last, so a faulty file changes nothing.
package server
