package config

import (
	"crypto"
	"errors"
	"os"
	"runtime"

	"stepca/keyfile"
	"stepca/kms"
)

// key reads a private key, and returns nil if it cannot be had: because it is at
// fault, in a KMS, or encrypted without a password to try.
func (f *fileCheck) key(path, name string, pw keyfile.Password) crypto.Signer {
	if name == "" || kms.IsURI(name) || !f.keysAreFiles {
		return nil
	}
	data, err := keyfile.ReadFile(name)
	if err != nil {
		f.fault(path, name, err)
		return nil
	}
	plain := true
	key, err := keyfile.ParseSigner(name, data, keyfile.Password{Attempts: pw.Attempts, Ask: func(prompt string) ([]byte, error) {
		plain = false
		if pw.Ask == nil {
			return nil, keyfile.ErrPasswordNeeded
		}
		return pw.Ask(prompt)
	}})
	switch {
	case errors.Is(err, keyfile.ErrPasswordNeeded):
		return nil
	case err != nil:
		f.errorf(path, "%v", err)
		return nil
	}
	if plain {
		f.openTo(path, name, "the key is not encrypted")
	}
	return key
}

// openTo warns if others than the owner can read a file with a secret.
func (f *fileCheck) openTo(path, name, why string) {
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || !info.Mode().IsRegular() || info.Mode().Perm()&0o004 == 0 {
		return
	}
	f.warnf(path, "%s can be read by everybody, and %s", name, why).suggest("chmod 600 %s", name)
}

// mode warns of passwords in a file that everybody can read.
func (f *fileCheck) mode(c *Config) {
	if c.file != "" && !c.Password.IsZero() {
		f.openTo("password", c.file, "it has the password of the keys")
	}
}
