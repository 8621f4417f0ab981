package tpm

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"stepca/kms"
)

// DefaultDirectory is where the files of keys are if nobody says: relative to
// the working directory. Compatible: so it is in the reference.
const DefaultDirectory = "tpm"

// An Engine uses one TPM, and one directory with keys of it.
type Engine struct {
	device string // "" is what the system has
	store  store

	attestationCA *attestationCA // nil if the URI names none

	// busy is held during an operation: one at a time is all a TPM can do.
	busy chan struct{}
}

// refused are attributes for what this engine does not do.
var refused = []string{
	"permanent-identifier", "enable-cng", "store", "store-location", "intermediate-store", "intermediate-store-location",
	"tss2", "path", "key-id", "sha1", "serial", "issuer", "qualifying-data",
}

// Open returns the engine. c.URI may have the attributes device,
// storage-directory, attestation-ca-url, attestation-ca-root,
// attestation-ca-insecure, disable-early-renewal and renewal-percentage. The
// device is not opened before it is needed.
func Open(ctx context.Context, c kms.Config) (kms.Engine, error) {
	e := &Engine{store: store{c.StorageDirectory}, busy: make(chan struct{}, 1)}
	if c.URI != "" {
		uri, err := kms.ParseURI(c.URI)
		if err != nil {
			return nil, err
		}
		if err := supported(uri); err != nil {
			return nil, err
		}
		e.device = uri.Get("device")
		if dir := uri.Get("storage-directory"); dir != "" {
			e.store.dir = dir
		}
		if e.attestationCA, err = newAttestationCA(uri); err != nil {
			return nil, err
		}
	}
	if e.store.dir == "" {
		e.store.dir = DefaultDirectory
	}
	return e, ctx.Err()
}

// supported refuses attributes that we would have to ignore.
func supported(uri *kms.URI) error {
	for _, name := range refused {
		if uri.Has(name) {
			return fmt.Errorf("%s: attribute %s %w", uri, name, kms.ErrUnsupported)
		}
	}
	return nil
}

// percentage is the value of an attribute from 1 to 100.
func percentage(uri *kms.URI, name string, otherwise int) (int, error) {
	if !uri.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(uri.Get(name))
	if err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("%s: %s is a number from 1 to 100", uri, name)
	}
	return n, nil
}

// Close does nothing: between operations nothing is open.
func (e *Engine) Close() error { return nil }

// A role is what a key is for. Keys of different roles may have the same name.
type role string

const (
	signing     role = "key" // signs anything
	attestation role = "ak"  // signs what the TPM says, and requests
)

// A keyName is what a URI says of a key.
type keyName struct {
	role role
	name string
	ak   string // of the attestation key that vouches for it; "" if the URI does not say
}

// defaultAK is the attestation key that is made and used if nobody names one.
const defaultAK = "ak"

// parseName parses tpmkms:name=NAME with the attributes ak and attest-by,
// tpmkms:NAME, and NAME.
func parseName(s string) (keyName, error) {
	if plain(s) {
		return keyName{role: signing, name: s}, nil
	}
	uri, err := kms.ParseURI(s)
	if err != nil {
		return keyName{}, err
	}
	if uri.Scheme != kms.TPM {
		return keyName{}, fmt.Errorf("error parsing %s: scheme not expected, it is not %s", uri, kms.TPM)
	}
	if err := supported(uri); err != nil {
		return keyName{}, err
	}
	k := keyName{role: signing, name: uri.Get("name"), ak: uri.Get("attest-by")}
	if uri.Bool("ak") {
		k.role = attestation
	}
	if k.name == "" && plain(uri.Opaque) {
		k.name = uri.Opaque
	}
	switch {
	case k.role == attestation && k.ak != "":
		return keyName{}, fmt.Errorf(`error parsing %s: "ak" and "attest-by" are mutually exclusive`, uri)
	case k.name == "":
		return keyName{}, fmt.Errorf("error parsing %s: name is missing", uri)
	case !plain(k.name), k.ak != "" && !plain(k.ak):
		return keyName{}, fmt.Errorf("error parsing %s: a name has at most %d letters, digits, and . _ - but no . in front", uri, maxName)
	}
	return k, nil
}

// maxName bounds names, in bytes.
const maxName = 128

// plain reports whether a name can be that of a file, on all systems.
func plain(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return name != "" && len(name) <= maxName && name[0] != '.'
}

// uri is the URI of a key.
func (k keyName) uri() string {
	s := kms.TPM + ":name=" + url.PathEscape(k.name)
	if k.role == attestation {
		return s + ";ak=true"
	}
	if k.ak != "" {
		return s + ";attest-by=" + url.PathEscape(k.ak)
	}
	return s
}

// String says which key it is, for errors.
func (k keyName) String() string {
	if k.role == attestation {
		return fmt.Sprintf("attestation key %q", k.name)
	}
	return fmt.Sprintf("key %q", k.name)
}
