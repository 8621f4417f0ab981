package provisioner

import (
	"slices"

	"stepca/ca"
)

// A kind says how the value of a flag becomes a value of JSON.
type kind int

const (
	kindText     kind = iota // a string
	kindList                 // strings; the flag is repeatable
	kindBool                 // true or false
	kindInt                  // an integer
	kindDuration             // a string in Go's form
	kindFile                 // base64 of a file's contents
	kindFiles                // base64 of the contents of several; the flag is repeatable
	kindTemplate             // a file's contents, as text
	kindJSON                 // a file's contents, as JSON
	kindPassword             // a file's contents without white space at the end, as text
)

// An attribute is a member of a provisioner's JSON that a flag sets.
type attribute struct {
	flag   string
	alias  string // another name of the flag; "" for none
	member string // path in the JSON, with dots
	kind   kind
	types  []ca.ProvisionerType // nil means all; SSHPOP has claims only
	usage  string

	required bool
	options  []string                             // the values allowed, in lower case; nil allows all
	check    func(name string, data []byte) error // looks at a file's contents

	// replaces says that a list is replaced by an update, and not added to.
	replaces bool
}

// of reports whether provisioners of the type have the attribute.
func (a *attribute) of(typ ca.ProvisionerType) bool {
	if a.types == nil {
		return typ != ca.TypeSSHPOP || isClaim(a.member)
	}
	return slices.Contains(a.types, typ)
}

// removable reports whether update has a flag that takes values out of the list.
func (a *attribute) removable() bool { return a.kind == kindList && !a.replaces }

func types(list ...ca.ProvisionerType) []ca.ProvisionerType { return list }

// attributes returns all of them, in the order in which a provisioner's JSON has
// them. The keys of JWK provisioners are made in jwk.go.
func attributes() []attribute {
	return slices.Concat(oidcAttributes(), cloudAttributes(), rootAttributes(), acmeAttributes(), scepAttributes(), claimAttributes(), templateAttributes())
}

func oidcAttributes() []attribute {
	oidc := types(ca.TypeOIDC)
	return []attribute{
		{flag: "client-id", member: "clientID", types: oidc, required: true, usage: "OIDC: the client `ID`"},
		{flag: "client-secret", member: "clientSecret", types: oidc, usage: "OIDC: the client `secret`"},
		{flag: "configuration-endpoint", member: "configurationEndpoint", types: oidc, required: true, usage: "OIDC: the `address` of the provider's discovery document"},
		{flag: "tenant-id", member: "tenantID", types: oidc, usage: "OIDC: the tenant `ID` to put in the discovery document"},
		{flag: "admin", member: "admins", kind: kindList, types: oidc, usage: "OIDC: the e-mail `address` of an administrator, repeatable"},
		{flag: "domain", member: "domains", kind: kindList, types: oidc, usage: "OIDC: an allowed `domain` of e-mail addresses, repeatable"},
		{flag: "group", member: "groups", kind: kindList, types: oidc, usage: "OIDC: an allowed `group`, repeatable"},
		{flag: "listen-address", member: "listenAddress", types: oidc, usage: "OIDC: the `address` on which clients wait for the answer, such as :10000"},
		{flag: "scope", member: "scopes", kind: kindList, types: oidc, usage: "OIDC: a `scope` to ask for, repeatable"},
		{flag: "auth-param", member: "authParams", kind: kindList, types: oidc, usage: "OIDC: a `parameter` for the login page as name=value, repeatable"},
	}
}

func cloudAttributes() []attribute {
	aws, gcp, azure := types(ca.TypeAWS), types(ca.TypeGCP), types(ca.TypeAzure)
	clouds := types(ca.TypeAWS, ca.TypeGCP, ca.TypeAzure)
	return []attribute{
		{flag: "aws-account", member: "accounts", kind: kindList, types: aws, usage: "AWS: an account `ID`, repeatable"},
		{flag: "gcp-service-account", member: "serviceAccounts", kind: kindList, types: gcp, usage: "GCP: the e-mail address or `ID` of a service account, repeatable"},
		{flag: "gcp-project", member: "projectIDs", kind: kindList, types: gcp, usage: "GCP: a project `ID`, repeatable"},
		{flag: "gcp-organization", member: "organizationID", types: gcp, usage: "GCP: the organization `ID`"},
		{flag: "azure-tenant", member: "tenantID", types: azure, required: true, usage: "Azure: the tenant `ID`"},
		{flag: "azure-resource-group", member: "resourceGroups", kind: kindList, types: azure, usage: "Azure: the `name` of a resource group, repeatable"},
		{flag: "azure-subscription-id", member: "subscriptionIDs", kind: kindList, types: azure, usage: "Azure: a subscription `ID`, repeatable"},
		{flag: "azure-object-id", member: "objectIDs", kind: kindList, types: azure, usage: "Azure: an object `ID`, repeatable"},
		{flag: "azure-audience", member: "audience", types: azure, usage: "Azure: the `audience` of tokens"},
		{flag: "disable-custom-sans", member: "disableCustomSANs", kind: kindBool, types: clouds, usage: "clouds: allow the names of the machine only"},
		{flag: "disable-trust-on-first-use", alias: "disable-tofu", member: "disableTrustOnFirstUse", kind: kindBool, types: clouds, usage: "clouds: allow several certificates for a machine"},
		{flag: "disable-ssh-ca-user", member: "disableSSHCAUser", kind: kindBool, types: gcp, usage: "GCP: no SSH user certificates"},
		{flag: "disable-ssh-ca-host", member: "disableSSHCAHost", kind: kindBool, types: gcp, usage: "GCP: no SSH host certificates"},
		{flag: "instance-age", member: "instanceAge", kind: kindDuration, types: types(ca.TypeAWS, ca.TypeGCP), usage: "AWS, GCP: how old a machine may be, a `duration`"},
	}
}

func rootAttributes() []attribute {
	return []attribute{
		{flag: "x5c-roots", alias: "x5c-root", member: "roots", kind: kindFile, types: types(ca.TypeX5C), required: true, check: checkX5CRoots, usage: "X5C: a `file` with root certificates"},
		{flag: "nebula-root", member: "roots", kind: kindFile, types: types(ca.TypeNebula), required: true, usage: "Nebula: a `file` with CA certificates"},
	}
}

func acmeAttributes() []attribute {
	acme := types(ca.TypeACME)
	return []attribute{
		{flag: "force-cn", member: "forceCN", kind: kindBool, types: types(ca.TypeACME, ca.TypeSCEP), usage: "ACME, SCEP: always set a common name"},
		{flag: "require-eab", member: "requireEAB", kind: kindBool, types: acme, usage: "ACME: ask new accounts for an external account binding"},
		{flag: challengeFlag, member: "challenges", kind: kindList, types: acme, usage: "ACME: a `challenge` to offer, repeatable; SCEP: the shared secret",
			options: challengeTypes()},
		{flag: "attestation-format", member: "attestationFormats", kind: kindList, types: acme, usage: "ACME: a `format` of attestations to accept, repeatable",
			options: ca.AttestationFormats()},
		{flag: "attestation-roots", member: "attestationRoots", kind: kindFiles, types: acme, check: checkAttestationRoots, usage: "ACME: a `file` with root certificates for attestations, repeatable"},
	}
}

func challengeTypes() []string {
	var names []string
	for _, t := range ca.ChallengeTypes() {
		names = append(names, string(t))
	}
	return names
}

func scepAttributes() []attribute {
	scep := types(ca.TypeSCEP)
	return []attribute{
		{flag: "capabilities", member: "capabilities", kind: kindList, types: scep, replaces: true, usage: "SCEP: a `capability` to announce, repeatable"},
		{flag: "include-root", member: "includeRoot", kind: kindBool, types: scep, usage: "SCEP: answer with the root certificate too"},
		{flag: "exclude-intermediate", member: "excludeIntermediate", kind: kindBool, types: scep, usage: "SCEP: answer without the intermediate certificate"},
		{flag: "min-public-key-length", member: "minimumPublicKeyLength", kind: kindInt, types: scep, usage: "SCEP: the smallest RSA key in `bits`"},
		{flag: "encryption-algorithm-identifier", member: "encryptionAlgorithmIdentifier", kind: kindInt, types: scep, usage: "SCEP: the `number` of the content encryption: 0 DES-CBC, 1 AES-128-CBC, 2 AES-256-CBC, 3 AES-128-GCM, 4 AES-256-GCM"},
		{flag: "scep-decrypter-certificate-file", member: "decrypterCertificate", kind: kindFile, types: scep, usage: "SCEP: the `file` with the certificate that messages are encrypted for"},
		{flag: "scep-decrypter-key-file", member: "decrypterKeyPEM", kind: kindFile, types: scep, usage: "SCEP: the `file` with its private key"},
		{flag: "scep-decrypter-key-uri", member: "decrypterKey", types: scep, usage: "SCEP: the `URI` of its private key"},
		{flag: "scep-decrypter-key-password-file", member: "decrypterKeyPassword", kind: kindPassword, types: scep, usage: "SCEP: a `file` with the password of its private key"},
	}
}

func claimAttributes() []attribute {
	return []attribute{
		{flag: "x509-min-dur", member: "claims.minTLSCertDuration", kind: kindDuration, usage: "the shortest `duration` of X.509 certificates"},
		{flag: "x509-max-dur", member: "claims.maxTLSCertDuration", kind: kindDuration, usage: "the longest `duration` of X.509 certificates"},
		{flag: "x509-default-dur", member: "claims.defaultTLSCertDuration", kind: kindDuration, usage: "the usual `duration` of X.509 certificates"},
		{flag: "ssh-user-min-dur", member: "claims.minUserSSHCertDuration", kind: kindDuration, usage: "the shortest `duration` of SSH user certificates"},
		{flag: "ssh-user-max-dur", member: "claims.maxUserSSHCertDuration", kind: kindDuration, usage: "the longest `duration` of SSH user certificates"},
		{flag: "ssh-user-default-dur", member: "claims.defaultUserSSHCertDuration", kind: kindDuration, usage: "the usual `duration` of SSH user certificates"},
		{flag: "ssh-host-min-dur", member: "claims.minHostSSHCertDuration", kind: kindDuration, usage: "the shortest `duration` of SSH host certificates"},
		{flag: "ssh-host-max-dur", member: "claims.maxHostSSHCertDuration", kind: kindDuration, usage: "the longest `duration` of SSH host certificates"},
		{flag: "ssh-host-default-dur", member: "claims.defaultHostSSHCertDuration", kind: kindDuration, usage: "the usual `duration` of SSH host certificates"},
		{flag: "ssh", member: "claims.enableSSHCA", kind: kindBool, usage: "allow SSH certificates; --ssh=false forbids them"},
		{flag: "disable-renewal", member: "claims.disableRenewal", kind: kindBool, usage: "forbid renewals"},
		{flag: "allow-renewal-after-expiry", member: "claims.allowRenewalAfterExpiry", kind: kindBool, usage: "let expired certificates be renewed"},
		{flag: "disable-smallstep-extensions", member: "claims.disableSmallstepExtensions", kind: kindBool, usage: "leave the extension with the provisioner out of certificates"},
	}
}

func templateAttributes() []attribute {
	return []attribute{
		{flag: "x509-template", member: "options.x509.template", kind: kindTemplate, usage: "a `file` with the template of X.509 certificates"},
		{flag: "x509-template-data", member: "options.x509.templateData", kind: kindJSON, usage: "a JSON `file` with variables for that template"},
		{flag: "ssh-template", member: "options.ssh.template", kind: kindTemplate, usage: "a `file` with the template of SSH certificates"},
		{flag: "ssh-template-data", member: "options.ssh.templateData", kind: kindJSON, usage: "a JSON `file` with variables for that template"},
	}
}
