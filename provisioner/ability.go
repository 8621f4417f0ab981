package provisioner

import (
	"context"
	"crypto/x509"

	"stepca/ca"
)

// What a provisioner can do, an interface each. A collection finds them by type
// assertion, and refuses what is not there.
type (
	// An X509Authorizer vouches for X.509 certificates.
	X509Authorizer interface {
		AuthorizeX509(ctx context.Context, token *Token, req *ca.Request) (*ca.Grant, error)
	}

	// A RenewAuthorizer allows or refuses that a certificate of its own is
	// issued again, with the same key or another. Whose certificate it is, and
	// that it is not revoked, has been checked.
	RenewAuthorizer interface {
		AuthorizeRenew(ctx context.Context, crt *x509.Certificate) (*ca.Grant, error)
	}

	// A RevokeAuthorizer vouches for whoever revokes the X.509 certificate whose
	// serial number is the token's subject.
	RevokeAuthorizer interface {
		AuthorizeRevoke(ctx context.Context, token *Token) (*ca.Grant, error)
	}

	// An SSHAuthorizer vouches for SSH certificates.
	SSHAuthorizer interface {
		AuthorizeSSH(ctx context.Context, token *Token, req *ca.SSHRequest) (*ca.Grant, error)
	}

	// An SSHRenewAuthorizer vouches for the renewal of the SSH certificate that
	// is its evidence.
	SSHRenewAuthorizer interface {
		AuthorizeSSHRenew(ctx context.Context, token *Token) (*ca.Grant, error)
	}

	// An SSHRekeyAuthorizer is the same for another key.
	SSHRekeyAuthorizer interface {
		AuthorizeSSHRekey(ctx context.Context, token *Token) (*ca.Grant, error)
	}

	// An SSHRevokeAuthorizer vouches for whoever revokes the SSH certificate
	// whose serial number is the token's subject.
	SSHRevokeAuthorizer interface {
		AuthorizeSSHRevoke(ctx context.Context, token *Token) (*ca.Grant, error)
	}
)

// abilityNames are what the log calls the abilities.
var abilityNames = map[ca.Operation]string{
	ca.SignX509:   "Sign",
	ca.RenewX509:  "Renew",
	ca.RekeyX509:  "Renew",
	ca.RevokeX509: "Revoke",
	ca.SignSSH:    "SSHSign",
	ca.RenewSSH:   "SSHRenew",
	ca.RekeySSH:   "SSHRekey",
	ca.RevokeSSH:  "SSHRevoke",
}

// refuse is the answer to an operation that a provisioner has no ability for.
func refuse(p Provisioner, op ca.Operation) error {
	ref := p.Ref()
	if op != ca.RenewX509 && op != ca.RekeyX509 && !takesTokens(ref.Type) {
		return ca.Errorf(ca.ErrMalformed, "token flow is not supported")
	}
	return ca.Hidden(ca.ErrUnauthorized, "provisioner %q of type %s: provisioner.Authorize%s not implemented",
		ref.Name, ref.Type, abilityNames[op])
}

// takesTokens reports whether a type of provisioner has tokens at all. The
// others have protocols of their own.
func takesTokens(typ string) bool {
	return typ != ca.TypeACME.String() && typ != ca.TypeSCEP.String()
}
