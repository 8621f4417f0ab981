package tpm

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-tpm/tpm2"

	"stepca/keyfile"
	"stepca/kms"
)

// recordVersion is that of the files we write and read.
const recordVersion = 1

// A record is the file of a key: NAME.key.json, or NAME.ak.json for an
// attestation key, with mode 0600. Byte strings are in base64. The chain of its
// certificate, if one is stored, is beside it as PEM in NAME.key.crt or
// NAME.ak.crt.
type record struct {
	Version  int             `json:"version"` // recordVersion
	Role     role            `json:"role"`    // "key" or "ak"
	Name     string          `json:"name"`
	Created  time.Time       `json:"created"`
	AttestBy string          `json:"attestBy,omitempty"` // name of the attestation key to vouch for it; "" is the default one
	Parent   []byte          `json:"parent"`             // Name of the storage root key it is wrapped with
	Public   []byte          `json:"public"`             // TPMT_PUBLIC
	Private  []byte          `json:"private"`            // contents of TPM2B_PRIVATE: wrapped
	Creation *creationRecord `json:"creation,omitempty"` // of attestation keys, for attestation CAs
}

// A creationRecord proves how an attestation key was made (TPM2_CertifyCreation).
type creationRecord struct {
	Data        []byte `json:"data"`        // TPMS_CREATION_DATA
	Attestation []byte `json:"attestation"` // TPMS_ATTEST, signed by the key itself
	Signature   []byte `json:"signature"`   // TPMT_SIGNATURE
}

func (r *record) key() keyName { return keyName{r.Role, r.Name, r.AttestBy} }

// template returns the public area.
func (r *record) template() (*tpm2.TPMTPublic, error) {
	return tpm2.Unmarshal[tpm2.TPMTPublic](r.Public)
}

// public returns the public key.
func (r *record) public() (crypto.PublicKey, error) {
	template, err := r.template()
	if err != nil {
		return nil, err
	}
	return tpm2.Pub(*template)
}

// A store is a directory of records and certificates.
type store struct{ dir string }

// file is the path of a file of a key.
func (s store) file(k keyName, extension string) string {
	return filepath.Join(s.dir, k.name+"."+string(k.role)+extension)
}

const (
	recordExtension      = ".json"
	certificateExtension = ".crt"
)

// load reads the record of a key. The error is kms.ErrNotFound if there is none.
func (s store) load(k keyName) (*record, error) {
	file := s.file(k, recordExtension)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s in %s: %w", k, s.dir, kms.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	r, err := parseRecord(data)
	if err == nil && (r.Name != k.name || r.Role != k.role) {
		err = fmt.Errorf("it is about %s", r.key())
	}
	if err != nil {
		return nil, fmt.Errorf("%s is not the file of a TPM key: %w", file, err)
	}
	return r, nil
}

// parseRecord parses the file of a key.
func parseRecord(data []byte) (*record, error) {
	r := new(record)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	switch {
	case r.Version != recordVersion:
		return nil, fmt.Errorf("version %d is not %d", r.Version, recordVersion)
	case r.Role != signing && r.Role != attestation:
		return nil, fmt.Errorf("role %q is not known", r.Role)
	case len(r.Parent) == 0 || len(r.Private) == 0:
		return nil, errors.New("a part is missing")
	}
	if _, err := r.public(); err != nil {
		return nil, fmt.Errorf("public: %w", err)
	}
	return r, nil
}

// create writes the record of a new key. The error is kms.ErrExists if there is
// one of that name.
func (s store) create(r *record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	err = keyfile.CreateFile(s.file(r.key(), recordExtension), append(data, '\n'), keyfile.SecretPerm)
	if errors.Is(err, fs.ErrExist) {
		return s.exists(r.key())
	}
	return err
}

func (s store) exists(k keyName) error { return fmt.Errorf("%s in %s %w", k, s.dir, kms.ErrExists) }

// has reports whether there is a key of that name.
func (s store) has(k keyName) bool {
	_, err := os.Lstat(s.file(k, recordExtension))
	return err == nil
}

// delete removes a key and its certificate.
func (s store) delete(k keyName) error {
	if !s.has(k) {
		return fmt.Errorf("%s in %s: %w", k, s.dir, kms.ErrNotFound)
	}
	if err := os.Remove(s.file(k, certificateExtension)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Remove(s.file(k, recordExtension))
}

// list returns the names of all keys, sorted.
func (s store) list() ([]keyName, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []keyName
	for _, entry := range entries {
		for _, r := range []role{attestation, signing} {
			name, ok := strings.CutSuffix(entry.Name(), "."+string(r)+recordExtension)
			if ok && plain(name) {
				names = append(names, keyName{role: r, name: name})
			}
		}
	}
	slices.SortFunc(names, func(a, b keyName) int { return strings.Compare(a.uri(), b.uri()) })
	return names, nil
}
