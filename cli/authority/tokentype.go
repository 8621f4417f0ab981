package authority

import (
	"encoding/json"
	"errors"
	"strings"

	"stepca/ca"
	"stepca/jose"
)

// TokenType returns the type of provisioner that a token is for, as far as its
// form tells. Nothing is verified.
func TokenType(token string) (ca.ProvisionerType, error) {
	jws, err := jose.ParseCompact(token)
	if err != nil {
		return ca.TypeNone, err
	}
	var claims struct {
		Issuer     string          `json:"iss"`
		SHA        string          `json:"sha"`
		SANs       []string        `json:"sans"`
		Email      string          `json:"email"`
		Kubernetes json.RawMessage `json:"kubernetes.io"`
		Amazon     json.RawMessage `json:"amazon"`
		Google     json.RawMessage `json:"google"`
		Azure      string          `json:"xms_mirid"`
	}
	if err := jws.UnverifiedClaims(&claims); err != nil {
		return ca.TypeNone, err
	}
	switch {
	case len(jws.Header.X5C) > 0:
		return ca.TypeX5C, nil
	case jws.Header.SSHPOP != "":
		return ca.TypeSSHPOP, nil
	case jws.Header.Nebula != "":
		return ca.TypeNebula, nil
	case claims.Issuer == "kubernetes/serviceaccount" || claims.Kubernetes != nil:
		return ca.TypeK8sSA, nil
	case claims.Amazon != nil:
		return ca.TypeAWS, nil
	case claims.Google != nil:
		return ca.TypeGCP, nil
	case claims.Azure != "":
		return ca.TypeAzure, nil
	case claims.SHA != "" || claims.SANs != nil:
		return ca.TypeJWK, nil
	case claims.Email != "" || strings.HasPrefix(claims.Issuer, "https://"):
		return ca.TypeOIDC, nil
	case claims.Issuer != "":
		return ca.TypeJWK, nil
	}
	return ca.TypeNone, errors.New("token is not supported")
}
