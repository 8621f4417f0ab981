package provisioner

import (
	"stepca/ca"
	"stepca/plainjson"
)

// readClaims reads the claims that most tokens have, nil for others. They are what
// UnverifiedClaims decodes.
func readClaims(payload []byte) *claims {
	var c claims
	r := plainjson.NewReader(payload)
	for name := range r.Members() {
		switch string(name) {
		case "sans":
			c.SANs = r.Strings()
		case "step":
			c.Step = readStepClaim(r)
		case "azp":
			c.AuthorizedParty = r.String()
		case "tid":
			c.TenantID = r.String()
		case "email":
			c.Email = r.String()
		case "cnf":
			r.Fail() // rare
		default:
			if !c.ReadMember(r, name) {
				r.Skip()
			}
		}
	}
	if !r.Done() {
		return nil
	}
	return &c
}

func readStepClaim(r *plainjson.Reader) *stepClaim {
	var c stepClaim
	for name := range r.Members() {
		switch string(name) {
		case "ssh":
			c.SSH = readSSHOptions(r)
		case "ra":
			r.Fail() // rare
		default:
			r.Skip()
		}
	}
	return &c
}

func readSSHOptions(r *plainjson.Reader) *ca.SSHOptions {
	var o ca.SSHOptions
	for name := range r.Members() {
		switch string(name) {
		case "certType":
			o.CertType = ca.SSHCertType(r.String())
		case "keyID":
			o.KeyID = r.String()
		case "principals":
			o.Principals = r.Strings()
		case "validAfter":
			o.ValidAfter = readTime(r)
		case "validBefore":
			o.ValidBefore = readTime(r)
		default:
			r.Skip()
		}
	}
	return &o
}

func readTime(r *plainjson.Reader) ca.TimeOrDuration {
	t, err := ca.ParseTimeOrDuration(r.String())
	if err != nil {
		r.Fail()
	}
	return t
}
