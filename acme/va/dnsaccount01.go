package va

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"stepca/acme"
)

// dnsAccount01 is dns-01 at a name of the account's own, so that several
// accounts can prove one name at the same time
// (draft-ietf-acme-dns-account-label-02).
func (v *Validator) dnsAccount01(ctx context.Context, req *acme.Validation) *acme.Problem {
	name := accountLabel(req.AccountURL) + "._acme-challenge." + req.Identifier.Value
	return v.txt(ctx, name, req.KeyAuthorization)
}

// accountLabel returns the first label of an account's dns-account-01 names: an
// underscore and 16 characters of base32.
func accountLabel(accountURL string) string {
	sum := sha256.Sum256([]byte(accountURL))
	return "_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
