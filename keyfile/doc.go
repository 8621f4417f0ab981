// Package keyfile turns files into keys and certificates, and back.
//
// It reads every form in which keys for a certificate authority are found:
// PKCS #8, PKCS #1 and SEC 1, plain or encrypted (PBES2 of RFC 8018, the header
// encryption of RFC 1423, the OpenSSH format), PKIX and authorized_keys public
// keys, certificates, bundles and certificate requests, in PEM or DER. It
// writes only what is safe today: encrypted keys are PKCS #8 with PBES2, or
// OpenSSH's own format.
//
// Functions called Load… read a file, and read it once from start to end: they
// never stat, seek or reopen it, so that a pipe, /dev/stdin or a shell's <(…)
// serves as well. Functions called Parse… take the bytes, with the name to be
// used in errors and prompts. Functions called Encode… give the bytes of a
// file, and WriteFile puts them on disk in one piece or not at all.
//
// It is also the home of Secret, the type for passwords, PINs and key material
// that must not show up in logs.
//
// It knows nothing of JWKs (package jose) nor of keys that live outside files
// (package kms).
package keyfile
