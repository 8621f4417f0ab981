package kms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepca/keyfile"
)

// Types of key managers, which are also the schemes of their URIs.
const (
	Soft     = "softkms"     // files
	Cloud    = "cloudkms"    // Google Cloud KMS
	AWS      = "awskms"      // AWS KMS
	Azure    = "azurekms"    // Azure Key Vault
	PKCS11   = "pkcs11"      // HSMs and smart cards
	YubiKey  = "yubikey"     // PIV
	SSHAgent = "sshagentkms" // ssh-agent
	TPM      = "tpmkms"      // TPM 2.0
	Mac      = "mackms"      // macOS keychain and Secure Enclave
	CAPI     = "capi"        // Windows CNG
	Platform = "kms"         // whichever of TPM, Mac and Soft the platform has
)

// types are all of them, in the order in which they are listed to people.
var types = [...]string{Soft, Cloud, AWS, Azure, PKCS11, YubiKey, SSHAgent, TPM, Mac, CAPI, Platform}

// A Config says which key manager to open, and how. The zero value is files
// without passwords.
type Config struct {
	Type string // one of the constants, in any case; empty means the scheme of URI, and Soft if that is empty too
	URI  string // attributes of the manager, such as pkcs11:module-path=…; may be empty

	CredentialsFile  string         // Cloud, AWS: where URI has no credentials-file
	Region           string         // AWS, where URI has no region
	Profile          string         // AWS, where URI has no profile
	StorageDirectory string         // TPM, where URI has no storage-directory
	PIN              keyfile.Secret // PKCS11, YubiKey: where URI has none
	ManagementKey    keyfile.Secret // YubiKey, in hex, where URI has none

	Password keyfile.Password // asked for the passwords of key files and for PINs; the zero value has none
}

// A Registry has the engines of a program by type.
type Registry map[string]func(context.Context, Config) (Engine, error)

// Check returns nil if c can be opened as far as its words tell, and ErrUnsupported
// if this program has no engine for it.
func (r Registry) Check(c Config) error {
	_, err := r.engineType(c)
	return err
}

// Open opens the key manager that c describes, unless Check has an error.
func (r Registry) Open(ctx context.Context, c Config) (Engine, error) {
	typ, err := r.engineType(c)
	if err != nil {
		return nil, fmt.Errorf("opening the key manager: %w", err)
	}
	c.Type = typ
	return r[typ](ctx, c)
}

func (r Registry) engineType(c Config) (string, error) {
	typ, err := c.engineType()
	if err == nil && r[typ] == nil {
		err = fmt.Errorf("kms type '%s' %w by this build, which has %s",
			typ, ErrUnsupported, strings.Join(slices.Sorted(maps.Keys(r)), ", "))
	}
	return typ, err
}

// engineType returns the type that c names or implies.
func (c Config) engineType() (string, error) {
	typ := strings.ToLower(c.Type)
	if c.URI != "" {
		uri, err := ParseURI(c.URI)
		if err != nil {
			return "", err
		}
		scheme := canonicalType(uri.Scheme)
		if typ != "" && canonicalType(typ) != scheme {
			return "", fmt.Errorf("error parsing %s: scheme not expected, the kms type is '%s'", uri, c.Type)
		}
		typ = scheme
	}
	if typ == "" {
		return Soft, nil
	}
	typ = canonicalType(typ)
	if !slices.Contains(types[:], typ) {
		return "", fmt.Errorf("unsupported kms type %s; the types are %s", typ, strings.Join(types[:], ", "))
	}
	return typ, nil
}

// canonicalType resolves the other names a type goes by.
func canonicalType(name string) string {
	if name == "aws" {
		return AWS
	}
	return name
}

// IsURI reports whether a key name given by a user is the URI of a key manager:
// whether it starts with one of the types and a colon. Anything else, C:\key
// and https://… included, is not.
func IsURI(name string) bool {
	scheme, _, ok := strings.Cut(name, ":")
	return ok && slices.Contains(types[:], canonicalType(strings.ToLower(scheme)))
}
