package authority

import (
	"cmp"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"stepca/ca"
	"stepca/cli"
	"stepca/keyfile"
)

// TokenFlags hold the flags that choose a provisioner and give the credentials
// to make a token for it.
type TokenFlags struct {
	Provisioner string // its name
	KeyID       string // of a JWK, or the client ID of an OIDC provisioner
	Key         string // file with the private key of a JWK provisioner

	// PasswordFile opens the provisioner's key, or GeneralPasswordFile if there
	// is no such flag.
	PasswordFile, GeneralPasswordFile string

	KMS string // URI of the key management system that keys are in; "" for files

	X5CCert, X5CKey       string
	X5CChain              []string
	X5CInsecure           bool
	SSHPOPCert, SSHPOPKey string
	SSHPOP                *ssh.Certificate // in SSHPOPCert, if that has been read already
	NebulaCert, NebulaKey string
	K8sSATokenPath        string

	Console     bool   // log in to OIDC providers without a browser on this machine
	RedirectURL string // where a browser on this machine goes after that
}

// DefineProvisioner defines --provisioner (and --issuer).
func (f *TokenFlags) DefineProvisioner(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Provisioner, "provisioner", "", "the `name` of the provisioner to use")
	cli.Alias(cmd, "provisioner", "issuer")
}

// DefinePassword defines --provisioner-password-file and --password-file.
func (f *TokenFlags) DefinePassword(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.PasswordFile, passwordFlag, "", "a `file` with the password of the provisioner's key")
	cmd.Flags().StringVar(&f.GeneralPasswordFile, "password-file", "", "a `file` with the password of the provisioner's key, if --provisioner-password-file names none")
}

const passwordFlag = "provisioner-password-file"

// Password is the source of the password of the key that signs tokens.
func (f *TokenFlags) Password(env *cli.Env) keyfile.Password {
	return env.Password(cmp.Or(f.PasswordFile, f.GeneralPasswordFile), passwordFlag)
}

// DefineX5C defines the flags for tokens signed with the key of an X.509
// certificate, which may be in a key management system.
func (f *TokenFlags) DefineX5C(cmd *cobra.Command) {
	DefineKMS(cmd, &f.KMS)
	cmd.Flags().StringVar(&f.X5CCert, "x5c-cert", "", "a `file` with the certificate chain that vouches for the request, for X5C provisioners")
	cmd.Flags().StringVar(&f.X5CKey, "x5c-key", "", "the private key `file` of --x5c-cert")
}

// DefineKMS defines --kms.
func DefineKMS(cmd *cobra.Command, value *string) {
	cmd.Flags().StringVar(value, "kms", "", "the `URI` of the key management system that keys are in")
}

// DefineX5CChain defines --x5c-chain.
func (f *TokenFlags) DefineX5CChain(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.X5CChain, "x5c-chain", nil, "a `file` with more certificates of the chain of --x5c-cert, repeatable")
}

// DefineSSHPOP defines the flags for tokens signed with the key of an SSH
// certificate.
func (f *TokenFlags) DefineSSHPOP(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.SSHPOPCert, "sshpop-cert", "", "the SSH certificate `file` that vouches for the request, for SSHPOP provisioners")
	cmd.Flags().StringVar(&f.SSHPOPKey, "sshpop-key", "", "the private key `file` of --sshpop-cert")
}

// DefineCredentials defines the flags of all kinds of credentials that get
// certificates, those of X5C, Nebula and K8sSA provisioners.
func (f *TokenFlags) DefineCredentials(cmd *cobra.Command) {
	f.DefineX5C(cmd)
	f.defineNebula(cmd)
	f.defineK8sSA(cmd)
}

// defineNebula defines the flags for tokens signed with the key of a Nebula
// certificate: known, so that whoever uses them learns what to do instead.
func (f *TokenFlags) defineNebula(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.NebulaCert, "nebula-cert", "", "the Nebula certificate `file` that vouches for the request, for Nebula provisioners (refused: make the token elsewhere)")
	cmd.Flags().StringVar(&f.NebulaKey, "nebula-key", "", "the private key `file` of --nebula-cert")
}

// defineK8sSA defines --k8ssa-token-path.
func (f *TokenFlags) defineK8sSA(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.K8sSATokenPath, "k8ssa-token-path", "", "a `file` with the Kubernetes service account token, for K8sSA provisioners")
}

// DefineLogin defines the flags of logins at OpenID providers, --console and
// --redirect-url.
func (f *TokenFlags) DefineLogin(cmd *cobra.Command) {
	f.DefineRedirectURL(cmd)
	cmd.Flags().BoolVar(&f.Console, "console", false, "for OIDC provisioners, log in with a code to enter in a browser elsewhere, not in one on this machine")
}

// DefineRedirectURL defines --redirect-url, which step ca bootstrap keeps.
func (f *TokenFlags) DefineRedirectURL(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.RedirectURL, "redirect-url", "", "for OIDC provisioners, the `URL` where the browser goes after the login")
}

// types are those that the credentials are for; nil means any.
func (f *TokenFlags) types() []ca.ProvisionerType {
	switch {
	case f.X5CCert != "" || f.X5CKey != "":
		return []ca.ProvisionerType{ca.TypeX5C}
	case f.SSHPOPCert != "" || f.SSHPOPKey != "":
		return []ca.ProvisionerType{ca.TypeSSHPOP}
	case f.NebulaCert != "" || f.NebulaKey != "":
		return []ca.ProvisionerType{ca.TypeNebula}
	case f.K8sSATokenPath != "":
		return []ca.ProvisionerType{ca.TypeK8sSA}
	}
	return nil
}
