// Package oidc logs a user in to an OpenID provider (OpenID Connect Core 1.0), in
// a browser on this machine or with a code to enter elsewhere, and returns the ID
// token. Whether that is genuine the certificate authority decides, for which it
// is meant: here nothing but the nonce is looked at.
package oidc
