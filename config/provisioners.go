package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A ProvisionerName is what every provisioner in the file has.
type ProvisionerName struct {
	Type string `json:"type"` // as in the file; types are compared without regard to case
	Name string `json:"name"` // unique among all types, case counts
}

func peekProvisioner(raw json.RawMessage) (ProvisionerName, error) {
	var p *ProvisionerName
	if err := json.Unmarshal(raw, &p); err != nil {
		return ProvisionerName{}, errors.New("it is not an object with the strings type and name")
	}
	if p == nil {
		return ProvisionerName{}, errors.New("null is no provisioner")
	}
	return *p, nil
}

// ProvisionerNames returns type and name of each provisioner in Provisioners, in
// their order; what is no object has neither.
func (a *Authority) ProvisionerNames() []ProvisionerName {
	names := make([]ProvisionerName, len(a.Provisioners))
	for i, raw := range a.Provisioners {
		names[i], _ = peekProvisioner(raw) // Parse has refused those with an error
	}
	return names
}

// Provisioner returns the provisioner with that name, false if there is none.
func (a *Authority) Provisioner(name string) (json.RawMessage, bool) {
	if i := a.provisionerIndex(name); i >= 0 {
		return a.Provisioners[i], true
	}
	return nil, false
}

func (a *Authority) provisionerIndex(name string) int {
	return slices.IndexFunc(a.ProvisionerNames(), func(p ProvisionerName) bool { return p.Name == name })
}

// AddProvisioner appends a provisioner, given as raw JSON or as a value that
// marshals to the object. The error is one that scripts look for if the name is
// taken.
func (a *Authority) AddProvisioner(p any) error {
	raw, name, err := encodeProvisioner(p)
	if err != nil {
		return fmt.Errorf("error storing provisioner: %w", err)
	}
	if a.provisionerIndex(name.Name) >= 0 {
		return fmt.Errorf("error storing provisioner: provisioner with name %s already exists", name.Name)
	}
	a.Provisioners = append(a.Provisioners, raw)
	return nil
}

// UpdateProvisioner puts p in the place of the provisioner called name; p may
// have another name. Members that this version does not know survive if p was
// parsed by package provisioner, which keeps them.
func (a *Authority) UpdateProvisioner(name string, p any) error {
	raw, now, err := encodeProvisioner(p)
	if err != nil {
		return fmt.Errorf("error updating provisioner: %w", err)
	}
	i := a.provisionerIndex(name)
	if i < 0 {
		return fmt.Errorf("provisioner %s not found", name)
	}
	if other := a.provisionerIndex(now.Name); other >= 0 && other != i {
		return fmt.Errorf("error updating provisioner: provisioner with name %s already exists", now.Name)
	}
	a.Provisioners[i] = raw
	return nil
}

// RemoveProvisioner removes the provisioner called name.
func (a *Authority) RemoveProvisioner(name string) error {
	i := a.provisionerIndex(name)
	if i < 0 {
		return fmt.Errorf("provisioner %s not found", name)
	}
	a.Provisioners = slices.Delete(a.Provisioners, i, i+1)
	return nil
}

func encodeProvisioner(p any) (json.RawMessage, ProvisionerName, error) {
	raw, err := encodeJSON(p)
	if err != nil {
		return nil, ProvisionerName{}, err
	}
	name, err := peekProvisioner(raw)
	switch {
	case err != nil:
	case name.Type == "":
		err = fmt.Errorf("provisioner type cannot be empty")
	case name.Name == "":
		err = fmt.Errorf("provisioner name cannot be empty")
	}
	return raw, name, err
}

// The members that stand first and last in a provisioner, in this order. Scripts
// edit the file by line and count on "encryptedKey" following "key".
var (
	firstMembers = []string{"type", "name", "key", "encryptedKey"}
	lastMembers  = []string{"claims", "options"}
)

// sortProvisioner puts the members of a provisioner in the fixed order.
func sortProvisioner(n *node) {
	rank := func(m member) int {
		same := func(key string) bool { return strings.EqualFold(key, m.key) }
		if i := slices.IndexFunc(firstMembers, same); i >= 0 {
			return i
		}
		if i := slices.IndexFunc(lastMembers, same); i >= 0 {
			return len(firstMembers) + 1 + i
		}
		return len(firstMembers)
	}
	slices.SortStableFunc(n.members, func(a, b member) int { return rank(a) - rank(b) })
}
