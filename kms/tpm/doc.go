// Package tpm is the key manager of keys in a TPM 2.0:
//
//	tpmkms:name=web                     a signing key
//	tpmkms:name=ak;ak=true              an attestation key (AK)
//	tpmkms:name=web;attest-by=ak        a signing key that this AK vouches for
//
// The TPM itself keeps nothing. A key is made below the storage root key of the
// owner hierarchy, which is the persistent one at 0x81000001 if the machine was
// provisioned with one, and else the one that the TPM derives again each time
// from its seed by the ECC template of the TCG. What the TPM hands out, the
// private part wrapped with the storage root key, is kept in a directory, of
// which type record describes the files. They are of no use without this TPM,
// and none once it is cleared. Keys have no password: who may use the device and
// read the directory may use them.
//
// Attest proves to others that a key is in the TPM: the AK certifies it
// (TPM2_Certify). Others believe the AK because of its certificate. Either
// somebody who has seen the machine issues it, for a request that the AK signs,
// and it is stored with StoreCertificates; or an attestation CA does, after it
// has encrypted a secret for the endorsement key (EK) of the TPM, whose
// certificate the maker put there: see enroll.go.
//
// The device is opened for one operation at a time, so that several programs can
// share it, and everything is flushed afterwards. On Linux it is /dev/tpmrm0,
// on Windows the TBS; Macs have none. device=unix:PATH and device=tcp:HOST:PORT
// are sockets that take commands as such, which is how swtpm serves with
// --server. Run against swtpm 0.7.1 with libtpms 0.9.
package tpm
