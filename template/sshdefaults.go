package template

import (
	"strings"

	"stepca/ca"
)

// Texts of the built-in SSH templates, as those of X.509.
const (
	TextSSH = `{
	"type": {{ toJson .Type }},
	"keyId": {{ toJson .KeyID }},
	"principals": {{ toJson .Principals }},
	"extensions": {{ toJson .Extensions }},
	"criticalOptions": {{ toJson .CriticalOptions }}
}`

	TextSSHAdmin = `{
	"type": {{ toJson .Insecure.CR.Type }},
	"keyId": {{ toJson .Insecure.CR.KeyID }},
	"principals": {{ toJson .Insecure.CR.Principals }}
{{- if eq (lower .Insecure.CR.Type) "user" }},
	"extensions": {{ toJson .Extensions }},
	"criticalOptions": {{ toJson .CriticalOptions }}
{{- end }}
}`

	TextSSHIID = `{
	"type": {{ toJson .Type }},
	"keyId": {{ toJson .KeyID }},
{{- if .Insecure.CR.Principals }}
	"principals": {{ toJson .Insecure.CR.Principals }},
{{- else }}
	"principals": {{ toJson .Principals }},
{{- end }}
	"extensions": {{ toJson .Extensions }}
}`

	TextSSHRequest = `{
	"type": {{ toJson .Insecure.CR.Type }},
	"keyId": {{ toJson .Insecure.CR.KeyID }},
	"principals": {{ toJson .Insecure.CR.Principals }}
{{- if eq (lower .Insecure.CR.Type) "user" }},
	"extensions": {
		"permit-X11-forwarding": "",
		"permit-agent-forwarding": "",
		"permit-port-forwarding": "",
		"permit-pty": "",
		"permit-user-rc": ""
	}
{{- end }}
}`
)

// sshDefaults holds the built-in templates; it is never changed.
var sshDefaults = map[string]struct {
	text     string
	compiled func(*SSHData) *sshOutput
}{
	ca.TemplateSSH:        {TextSSH, renderSSH},
	ca.TemplateSSHAdmin:   {TextSSHAdmin, renderSSHAdmin},
	ca.TemplateSSHIID:     {TextSSHIID, renderSSHIID},
	ca.TemplateSSHRequest: {TextSSHRequest, renderSSHRequest},
}

func renderSSH(d *SSHData) *sshOutput {
	return &sshOutput{
		Type:            string(d.Type),
		KeyID:           d.KeyID,
		Principals:      d.Principals,
		Extensions:      d.Extensions,
		CriticalOptions: d.CriticalOptions,
	}
}

func renderSSHAdmin(d *SSHData) *sshOutput {
	o := requestedSSH(&d.CR)
	if strings.ToLower(d.CR.Type) == string(ca.SSHUser) {
		o.Extensions = d.Extensions
		o.CriticalOptions = d.CriticalOptions
	}
	return o
}

func renderSSHIID(d *SSHData) *sshOutput {
	o := &sshOutput{
		Type:       string(d.Type),
		KeyID:      d.KeyID,
		Principals: d.Principals,
		Extensions: d.Extensions,
	}
	if len(d.CR.Principals) > 0 {
		o.Principals = d.CR.Principals
	}
	return o
}

func renderSSHRequest(d *SSHData) *sshOutput {
	o := requestedSSH(&d.CR)
	if strings.ToLower(d.CR.Type) == string(ca.SSHUser) {
		o.Extensions = ca.SSHUserExtensions()
	}
	return o
}

func requestedSSH(cr *SSHRequest) *sshOutput {
	return &sshOutput{Type: cr.Type, KeyID: cr.KeyID, Principals: cr.Principals}
}
