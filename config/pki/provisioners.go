package pki

import (
	"encoding/json"
	"fmt"

	"stepca/jose"
	"stepca/keyfile"
)

// A provisioner has the members of those that a new CA has, in the order in
// which the file has them.
type provisioner struct {
	Type         string          `json:"type"`
	Name         string          `json:"name"`
	Key          json.RawMessage `json:"key,omitempty"`
	EncryptedKey string          `json:"encryptedKey,omitempty"`
	Claims       *sshClaim       `json:"claims,omitempty"`
}

type sshClaim struct {
	EnableSSHCA bool `json:"enableSSHCA"`
}

// newProvisioners makes the first provisioners: JWK, ACME, SSHPOP. The names of
// the last two give way to that of the first.
func newProvisioners(o *Options) ([]json.RawMessage, error) {
	jwk, err := newJWK(o.Provisioner, o.ProvisionerPassword)
	if err != nil {
		return nil, err
	}
	list := []*provisioner{jwk}
	free := func(name string) string {
		if o.Provisioner == name {
			return name + "-1"
		}
		return name
	}
	if o.ACME {
		list = append(list, &provisioner{Type: "ACME", Name: free("acme")})
	}
	if o.SSH {
		jwk.Claims = &sshClaim{EnableSSHCA: true}
		list = append(list, &provisioner{Type: "SSHPOP", Name: free("sshpop"), Claims: &sshClaim{EnableSSHCA: true}})
	}
	raw := make([]json.RawMessage, len(list))
	for i, p := range list {
		if raw[i], err = json.Marshal(p); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// newJWK makes a provisioner with a new key, whose private half is encrypted
// with the password and shown to everybody.
func newJWK(name string, password keyfile.Secret) (*provisioner, error) {
	jwk, err := jose.GenerateJWK()
	if err != nil {
		return nil, fmt.Errorf("generating the key of the provisioner: %w", err)
	}
	jwe, err := jose.EncryptJWK(jwk, password.Reveal())
	if err != nil {
		return nil, err
	}
	encrypted, err := jwe.CompactSerialize()
	if err != nil {
		return nil, err
	}
	pub, err := json.Marshal(jwk.Public())
	if err != nil {
		return nil, err
	}
	return &provisioner{Type: "JWK", Name: name, Key: pub, EncryptedKey: encrypted}, nil
}
