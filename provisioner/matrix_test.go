package provisioner

import (
	"context"
	"crypto/x509"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepca/ca"
)

// matrix says for each type of provisioner, operation and kind of credential
// what must happen. Each credential is good of its kind, and meant for that
// provisioner and operation; "forged" is "token" with another's signature.
const matrix = `
type    operation    none        garbage     forged      token       sshpop-user sshpop-host peer        bearer
JWK     x509-sign    401         401         401         grant       401         401         401         401
JWK     x509-renew   400         401         401         401         401         401         grant       grant
JWK     x509-rekey   400         400         400         400         400         400         grant       400
JWK     x509-revoke  401         401         401         grant       401         401         401         401
JWK     ssh-sign     401         401         401         grant       401         401         401         401
JWK     ssh-renew    401         401         401         401         401         401         401         401
JWK     ssh-rekey    401         401         401         401         401         401         401         401
JWK     ssh-revoke   401         401         401         grant       401         401         401         401
OIDC    x509-sign    401         401         401         401         401         401         401         401
OIDC    x509-renew   400         401         401         401         401         401         401         401
OIDC    x509-rekey   400         400         400         400         400         400         401         400
OIDC    x509-revoke  401         401         401         401         401         401         401         401
OIDC    ssh-sign     401         401         401         401         401         401         401         401
OIDC    ssh-renew    401         401         401         401         401         401         401         401
OIDC    ssh-rekey    401         401         401         401         401         401         401         401
OIDC    ssh-revoke   401         401         401         401         401         401         401         401
GCP     x509-sign    401         401         401         401         401         401         401         401
GCP     x509-renew   400         401         401         401         401         401         401         401
GCP     x509-rekey   400         400         400         400         400         400         401         400
GCP     x509-revoke  401         401         401         401         401         401         401         401
GCP     ssh-sign     401         401         401         401         401         401         401         401
GCP     ssh-renew    401         401         401         401         401         401         401         401
GCP     ssh-rekey    401         401         401         401         401         401         401         401
GCP     ssh-revoke   401         401         401         401         401         401         401         401
AWS     x509-sign    401         401         401         401         401         401         401         401
AWS     x509-renew   400         401         401         401         401         401         401         401
AWS     x509-rekey   400         400         400         400         400         400         401         400
AWS     x509-revoke  401         401         401         401         401         401         401         401
AWS     ssh-sign     401         401         401         401         401         401         401         401
AWS     ssh-renew    401         401         401         401         401         401         401         401
AWS     ssh-rekey    401         401         401         401         401         401         401         401
AWS     ssh-revoke   401         401         401         401         401         401         401         401
Azure   x509-sign    401         401         401         401         401         401         401         401
Azure   x509-renew   400         401         401         401         401         401         401         401
Azure   x509-rekey   400         400         400         400         400         400         401         400
Azure   x509-revoke  401         401         401         401         401         401         401         401
Azure   ssh-sign     401         401         401         401         401         401         401         401
Azure   ssh-renew    401         401         401         401         401         401         401         401
Azure   ssh-rekey    401         401         401         401         401         401         401         401
Azure   ssh-revoke   401         401         401         401         401         401         401         401
ACME    x509-sign    401         401         400         400         400         400         401         401
ACME    x509-renew   400         401         401         401         401         401         grant       grant
ACME    x509-rekey   400         400         400         400         400         400         grant       400
ACME    x509-revoke  401         401         400         400         400         400         401         401
ACME    ssh-sign     401         401         400         400         400         400         401         401
ACME    ssh-renew    401         401         400         400         400         400         401         401
ACME    ssh-rekey    401         401         400         400         400         400         401         401
ACME    ssh-revoke   401         401         400         400         400         400         401         401
X5C     x509-sign    401         401         401         401         401         401         401         401
X5C     x509-renew   400         401         401         401         401         401         401         401
X5C     x509-rekey   400         400         400         400         400         400         401         400
X5C     x509-revoke  401         401         401         401         401         401         401         401
X5C     ssh-sign     401         401         401         401         401         401         401         401
X5C     ssh-renew    401         401         401         401         401         401         401         401
X5C     ssh-rekey    401         401         401         401         401         401         401         401
X5C     ssh-revoke   401         401         401         401         401         401         401         401
K8sSA   x509-sign    401         401         401         401         401         401         401         401
K8sSA   x509-renew   400         401         401         401         401         401         401         401
K8sSA   x509-rekey   400         400         400         400         400         400         401         400
K8sSA   x509-revoke  401         401         401         401         401         401         401         401
K8sSA   ssh-sign     401         401         401         401         401         401         401         401
K8sSA   ssh-renew    401         401         401         401         401         401         401         401
K8sSA   ssh-rekey    401         401         401         401         401         401         401         401
K8sSA   ssh-revoke   401         401         401         401         401         401         401         401
SSHPOP  x509-sign    401         401         401         401         401         401         401         401
SSHPOP  x509-renew   400         401         401         401         401         401         401         401
SSHPOP  x509-rekey   400         400         400         400         400         400         401         400
SSHPOP  x509-revoke  401         401         401         401         401         401         401         401
SSHPOP  ssh-sign     401         401         401         401         401         401         401         401
SSHPOP  ssh-renew    401         401         401         401         400         grant       401         401
SSHPOP  ssh-rekey    401         401         401         401         400         grant       401         401
SSHPOP  ssh-revoke   401         401         401         401         grant       grant       401         401
SCEP    x509-sign    401         401         401         401         401         401         401         401
SCEP    x509-renew   400         401         401         401         401         401         401         401
SCEP    x509-rekey   400         400         400         400         400         400         401         400
SCEP    x509-revoke  401         401         401         401         401         401         401         401
SCEP    ssh-sign     401         401         401         401         401         401         401         401
SCEP    ssh-renew    401         401         401         401         401         401         401         401
SCEP    ssh-rekey    401         401         401         401         401         401         401         401
SCEP    ssh-revoke   401         401         401         401         401         401         401         401
Nebula  x509-sign    401         401         401         401         401         401         401         401
Nebula  x509-renew   400         401         401         401         401         401         401         401
Nebula  x509-rekey   400         400         400         400         400         400         401         400
Nebula  x509-revoke  401         401         401         401         401         401         401         401
Nebula  ssh-sign     401         401         401         401         401         401         401         401
Nebula  ssh-renew    401         401         401         401         401         401         401         401
Nebula  ssh-rekey    401         401         401         401         401         401         401         401
Nebula  ssh-revoke   401         401         401         401         401         401         401         401
`

// matrixOperations are all operations, as many as abilities have names for.
var matrixOperations = []ca.Operation{
	ca.SignX509, ca.RenewX509, ca.RekeyX509, ca.RevokeX509, ca.SignSSH, ca.RenewSSH, ca.RekeySSH, ca.RevokeSSH,
}

var matrixCredentials = []string{"none", "garbage", "forged", "token", "sshpop-user", "sshpop-host", "peer", "bearer"}

// parseMatrix returns the cells by type, operation and credential.
func parseMatrix(t *testing.T) map[[3]string]string {
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	header := strings.Fields(lines[0])
	cells := make(map[[3]string]string)
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if len(fields) != len(header) {
			t.Fatalf("row %q has %d cells, want %d", line, len(fields), len(header))
		}
		for i := 2; i < len(fields); i++ {
			cells[[3]string{fields[0], fields[1], header[i]}] = fields[i]
		}
	}
	return cells
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	f := newFixture(t, `"claims":{"enableSSHCA":true}`)
	cells := parseMatrix(t)
	for typ := ca.TypeJWK; typ.String() != "none"; typ++ {
		for _, op := range matrixOperations {
			for _, credential := range matrixCredentials {
				cell := [3]string{typ.String(), string(op), credential}
				want, ok := cells[cell]
				if !ok {
					t.Errorf("no entry for %v", cell)
					continue
				}
				delete(cells, cell)
				if got := outcome(f.attempt(typ, op, credential)); got != want {
					t.Errorf("%v: %s, want %s", cell, got, want)
				}
			}
		}
	}
	for cell := range cells {
		t.Errorf("entry for %v, which is not tried", cell)
	}
	if len(abilityNames) != len(matrixOperations) {
		t.Errorf("%d operations have abilities, %d are tried", len(abilityNames), len(matrixOperations))
	}
}

// attempt asks for an operation with a credential for the provisioner of a type.
func (f *fixture) attempt(typ ca.ProvisionerType, op ca.Operation, credential string) (*ca.Grant, error) {
	token, peer, serial := f.credential(typ, op, credential)
	ctx := context.Background()
	known := records{x509: X509Record{Own: true}}
	switch op {
	case ca.SignX509:
		return f.X509(ctx, &ca.Request{Operation: op, Token: token, Peer: peer})
	case ca.RenewX509, ca.RekeyX509:
		return f.Renew(ctx, &ca.Request{Operation: op, Token: token, Peer: peer}, known)
	case ca.RevokeX509:
		return f.Revoke(ctx, token, serial)
	case ca.SignSSH:
		return f.SSH(ctx, &ca.SSHRequest{Operation: op, Token: token})
	case ca.RenewSSH:
		return f.SSHRenew(ctx, &ca.SSHRequest{Operation: op, Token: token}, known)
	case ca.RekeySSH:
		return f.SSHRekey(ctx, &ca.SSHRequest{Operation: op, Token: token}, known)
	case ca.RevokeSSH:
		return f.SSHRevoke(ctx, token, serial)
	}
	f.Fatalf("operation %s is not tried", op)
	return nil, nil
}

var operationPaths = map[ca.Operation]string{
	ca.SignX509: "/1.0/sign", ca.RenewX509: "/1.0/renew", ca.RekeyX509: "/1.0/renew", ca.RevokeX509: "/1.0/revoke",
	ca.SignSSH: "/1.0/ssh/sign", ca.RenewSSH: "/1.0/ssh/renew", ca.RekeySSH: "/1.0/ssh/rekey", ca.RevokeSSH: "/1.0/ssh/revoke",
}

// credential makes the evidence, and the serial number that a revocation by it
// asks for.
func (f *fixture) credential(typ ca.ProvisionerType, op ca.Operation, kind string) (token string, peer *x509.Certificate, serial string) {
	p, ok := f.ByName(fixtureNames[typ])
	if !ok {
		f.Fatalf("the fixture has no provisioner of type %s", typ)
	}
	aud := "https://localhost:9000" + operationPaths[op]
	fragment := aud + "#" + p.TokenID()
	claims := f.claims(aud).with("step", object{"ssh": object{}}).with("sub", "123")
	if typ != ca.TypeJWK {
		claims = claims.with("iss", p.Ref().Name).with("aud", fragment)
	}
	switch kind {
	case "none":
	case "garbage":
		token = "e30.e30.AAAA"
	case "forged":
		token = f.token(claims)
		token = token[:strings.LastIndex(token, ".")+1] + strings.Repeat("A", 86)
	case "token":
		token = f.token(claims)
	case "sshpop-user", "sshpop-host":
		crtType := uint32(ssh.HostCert)
		if kind == "sshpop-user" {
			crtType = ssh.UserCert
		}
		crt := f.sshCertificate(crtType)
		serial = strconv.FormatUint(crt.Serial, 10)
		return f.sshpop(crt, claims.with("aud", fragment).with("iss", p.Ref().Name).with("sub", serial)), nil, serial
	case "peer":
		peer = f.leaf(typ, p.Ref().Name)
	case "bearer":
		token = f.bearer(f.leaf(typ, p.Ref().Name), nil)
	default:
		f.Fatalf("credential %s cannot be made", kind)
	}
	return token, peer, "123"
}
