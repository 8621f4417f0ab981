// Package acme holds tests of the ACME server with the clients that people use, as
// Debian packages them: certbot, lego, dehydrated, uacme, acme-tiny, acmetool, lacme,
// Caddy and Apache; and with those that other programs have inside. Where
// docs/acme-clients.md has a recipe for a client, the test types that. It has nothing
// for other packages.
package acme
