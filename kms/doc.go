// Package kms gives the keys of an authority, wherever they are kept: in files,
// in an HSM or a token, in a TPM, or in a cloud's key service.
//
// A key is named by a URI, such as softkms:path=ca.key or
// pkcs11:id=7331;object=intermediate?pin-source=pin.txt. An Engine turns URIs
// into Signers. Each engine has a folder of its own, is the only place that
// imports its SDK, and passes the suite in kms/kmstest. A Registry says which
// engines a program has; its main fills one, so that nothing is linked in or
// started unasked:
//
//	engines := kms.Registry{kms.Soft: soft.Open}
//	engine, err := engines.Open(ctx, kms.Config{URI: "softkms:", Password: pw})
//	signer, err := engine.Signer(ctx, "secrets/intermediate_ca_key")
//
// What an engine can do beyond signing is a further small interface, found by
// type assertion: KeyCreator, KeyDeleter, KeyLister, CertificateLoader,
// CertificateStorer, DecrypterLoader, Attester.
//
// The formats of key files are for package keyfile.
package kms
