// Package api holds the messages of the CA's own HTTP API as they look on the
// wire: one struct a message, the order and presence of JSON members as clients
// of the reference expect them, and the paths of the routes. Package client
// sends what package apiserver reads, and both read it here.
//
// It checks syntax only: a value that decodes is well formed, nothing more. It
// is not for ACME, SCEP or the admin API, which have messages of their own.
package api
