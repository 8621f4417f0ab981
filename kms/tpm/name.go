package tpm

import (
	"fmt"
	"net/url"

	"stepca/kms"
)

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
