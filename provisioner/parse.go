package provisioner

import (
	"encoding/json"
	"errors"
	"strings"

	"stepca/ca"
)

// Parse parses the JSON form of one provisioner, as ca.json and the database
// have it. It reads no file and asks no server; that is NewCollection's part.
//
// A type that this version knows of and does not support gives an *Unsupported,
// any other type an *Unknown; both are written back as they were. Errors are of
// type *FieldError.
func Parse(raw json.RawMessage) (Provisioner, error) {
	var head struct {
		Type string `json:"type"`
		Name string `json:"name"`
	}
	if _, err := decode(raw, &head); err != nil {
		return nil, err
	}
	if head.Type == "" {
		return nil, &FieldError{"type", errors.New("provisioner type cannot be empty")}
	}
	p := newProvisioner(head.Type)
	if p == nil {
		return parseUnknown(raw)
	}
	if head.Name == "" {
		return nil, &FieldError{"name", errors.New("provisioner name cannot be empty")}
	}
	unknown, err := decode(raw, p)
	if err != nil {
		return nil, err
	}
	p.shared().unknown = unknown
	if p, ok := p.(interface{ check() error }); ok {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// newProvisioner returns an empty provisioner of a type given in any case, nil
// if there is no such type.
func newProvisioner(typ string) Provisioner {
	switch typeNamed(typ) {
	case ca.TypeNone:
		return nil
	case ca.TypeJWK:
		return new(JWK)
	case ca.TypeACME:
		return new(ACME)
	case ca.TypeSSHPOP:
		return new(SSHPOP)
	default:
		return new(Unsupported)
	}
}

// typeNamed returns the type with a name, in any case; ca.TypeNone if there is
// none.
func typeNamed(name string) ca.ProvisionerType {
	for t := ca.TypeJWK; t <= ca.TypeNebula; t++ {
		if strings.EqualFold(t.String(), name) {
			return t
		}
	}
	return ca.TypeNone
}

// Warnings says which members of a provisioner's JSON have no effect, and
// whether the whole has none.
func Warnings(p Provisioner) []string {
	if u, ok := p.(*Unknown); ok {
		return []string{"provisioners of type " + u.Type + " are not known and have no effect"}
	}
	var warnings []string
	for _, m := range p.shared().unknown {
		if u, ok := p.(*Unsupported); ok && len(m.parent) == 0 && u.knows(m.Name) {
			continue
		}
		warnings = append(warnings, m.path()+" is not known and has no effect")
	}
	return warnings
}
