// Package jose is how this project uses JSON Web Keys, Signatures, Encryption
// and Tokens (RFC 7515 to 7519, 7638, 8037): which algorithms are allowed, how
// large things may be, what a provisioner's encrypted key looks like.
//
// JWK and JWE are those of go-jose, given bounds. Signatures are made and
// checked here, straight on the standard library's primitives, because one is
// checked in every request: parsing and bookkeeping stay small beside the
// public-key operation.
//
// Three rules hold throughout:
//
//   - The algorithm follows from the key. "none" does not exist, HMAC is only
//     ever used by functions with HMAC in their names, and a curve has one
//     algorithm.
//   - Names in JSON are case-sensitive and occur once; base64url is exact, with
//     no padding, line breaks or stray bits. Two readers of one token agree.
//   - What has not been verified is called so: UnverifiedClaims, UnverifiedPayload.
//
// What tokens mean (issuers, audiences, one-time use) is for package
// provisioner; key files are for package keyfile.
package jose
