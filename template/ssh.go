package template

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"text/template"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// SSH is a template for SSH certificates, safe for concurrent use.
type SSH struct {
	text     func() (*template.Template, error)
	compiled func(*SSHData) *sshOutput // nil for a custom template
}

// An SSHCertificate is the decoded output of an SSH template. Its JSON form is
// the one that webhooks read.
type SSHCertificate struct {
	Nonce           []byte            `json:"nonce"`  // nil: chosen at random
	Serial          uint64            `json:"serial"` // zero: chosen at random
	Type            ca.SSHCertType    `json:"type"`
	KeyID           string            `json:"keyId"`
	Principals      []string          `json:"principals"`
	CriticalOptions map[string]string `json:"criticalOptions"`
	Extensions      map[string]string `json:"extensions"`
	Reserved        []byte            `json:"reserved"`

	ValidAfter  time.Time `json:"-"` // used if neither the token nor the request has its own; zero for none
	ValidBefore time.Time `json:"-"` // likewise
}

// sshOutput is the JSON that templates write.
type sshOutput struct {
	Nonce           []byte            `json:"nonce"`
	Serial          uint64            `json:"serial"`
	Type            string            `json:"type"`
	KeyID           string            `json:"keyId"`
	Principals      []string          `json:"principals"`
	CriticalOptions map[string]string `json:"criticalOptions"`
	Extensions      map[string]string `json:"extensions"`
	Reserved        []byte            `json:"reserved"`
	ValidAfter      time.Time         `json:"validAfter"`
	ValidBefore     time.Time         `json:"validBefore"`
}

// certificate checks the output and gives it its final type.
func (o *sshOutput) certificate() (*SSHCertificate, error) {
	typ := ca.SSHCertType(strings.ToLower(o.Type))
	if typ.Number() == 0 {
		return nil, &OutputError{Err: fmt.Errorf("unknown certificate type '%s'", o.Type)}
	}
	for _, t := range [...]time.Time{o.ValidAfter, o.ValidBefore} {
		if !t.IsZero() && t.Unix() < 0 {
			return nil, &OutputError{Err: errors.New("validity begins or ends before 1970")}
		}
	}
	return &SSHCertificate{
		Nonce:           o.Nonce,
		Serial:          o.Serial,
		Type:            typ,
		KeyID:           o.KeyID,
		Principals:      o.Principals,
		CriticalOptions: o.CriticalOptions,
		Extensions:      o.Extensions,
		Reserved:        o.Reserved,
		ValidAfter:      o.ValidAfter,
		ValidBefore:     o.ValidBefore,
	}, nil
}

// ParseSSHCertificate decodes the output of an SSH template. Text after the
// first JSON value is ignored. Its error is an *OutputError.
func ParseSSHCertificate(output []byte) (*SSHCertificate, error) {
	var o sshOutput
	if err := decodeOutput(output, &o); err != nil {
		return nil, err
	}
	return o.certificate()
}

// ParseSSH parses a custom template.
func ParseSSH(text string) (*SSH, error) {
	t, err := parseText("template", text, certificateFuncs())
	if err != nil {
		return nil, err
	}
	return &SSH{text: func() (*template.Template, error) { return t, nil }}, nil
}

// DefaultSSH returns a built-in template by its name: ca.TemplateSSH,
// ca.TemplateSSHAdmin, ca.TemplateSSHIID or ca.TemplateSSHRequest.
func DefaultSSH(name string) (*SSH, error) {
	d, ok := sshDefaults[name]
	if !ok {
		return nil, fmt.Errorf("there is no built-in SSH template %q", name)
	}
	return &SSH{
		text: sync.OnceValues(func() (*template.Template, error) {
			return parseText(name, d.text, certificateFuncs())
		}),
		compiled: d.compiled,
	}, nil
}

// Render executes the template and decodes its output, with the errors of
// X509.Render.
func (t *SSH) Render(d *SSHData) (*SSHCertificate, error) {
	if t.compiled != nil && !shadowed(d.Values, varType, varKeyID, varPrincipals, varExtensions, varCriticalOptions) {
		return t.compiled(d).certificate()
	}
	vars := d.variables()
	if t.compiled != nil {
		vars[varInsecure] = insecure(d.CR, nil)
	}
	text, err := t.text()
	if err != nil {
		return nil, err
	}
	output, err := execute(text, vars)
	if err != nil {
		return nil, err
	}
	return ParseSSHCertificate(output)
}

// SSH returns the template that a grant names.
func (c *Cache) SSH(name ca.Template) (*SSH, error) {
	return cached(&c.ssh, name, DefaultSSH, ParseSSH)
}

// SSH returns the certificate for its signer, which sets the keys, and the nonce
// and serial if they are unset. Zero times are unset as well. The maps and lists
// are copies.
func (c *SSHCertificate) SSH() *ssh.Certificate {
	cert := &ssh.Certificate{
		Nonce:           c.Nonce,
		Serial:          c.Serial,
		CertType:        c.Type.Number(),
		KeyId:           c.KeyID,
		ValidPrincipals: append([]string(nil), c.Principals...),
		Permissions: ssh.Permissions{
			CriticalOptions: maps.Clone(c.CriticalOptions),
			Extensions:      maps.Clone(c.Extensions),
		},
		Reserved: c.Reserved,
	}
	if !c.ValidAfter.IsZero() {
		cert.ValidAfter = uint64(c.ValidAfter.Unix())
	}
	if !c.ValidBefore.IsZero() {
		cert.ValidBefore = uint64(c.ValidBefore.Unix())
	}
	return cert
}
