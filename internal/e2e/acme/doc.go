// Package acme holds tests of the ACME server with the clients that people use:
// certbot, lego, dehydrated, uacme and Caddy, as Debian packages them. It has
// nothing for other packages.
package acme
