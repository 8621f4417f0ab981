package issue

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net"
	"slices"
	"strings"

	"stepca/ca"
)

// checkRequest holds what the request itself asks for against the grant. It is
// the part of authorization that needs the CSR; the rendered certificate is
// checked again, whatever comes out of this.
func checkRequest(req *ca.Request, grant *ca.Grant) error {
	if req.CSR == nil {
		return nil
	}
	if err := checkFingerprint(req.CSR, grant.CSR.Fingerprint); err != nil {
		return err
	}
	if cn := req.CSR.Subject.CommonName; cn != "" && grant.CSR.CommonNames != nil && !slices.Contains(grant.CSR.CommonNames, cn) {
		return ca.Errorf(ca.ErrForbidden, "certificate request does not contain the valid common name - got %s, want %s", cn, wantNames(grant.CSR.CommonNames))
	}
	if err := CheckPublicKey(req.CSR.PublicKey); err != nil {
		return err
	}
	switch grant.CSR.Names {
	case ca.NamesExact:
		return checkExactNames(req.CSR, grant.SANs)
	case ca.NamesExactButURIs:
		csr := *req.CSR
		csr.URIs = nil
		return checkExactNames(&csr, grant.SANs)
	case ca.NamesSubset:
		return checkSubsetNames(req.CSR.DNSNames, values(grant.SANs, ca.DNS))
	}
	return nil
}

// wantNames prints a single allowed value bare and several as a list, which is
// how the reference words it.
func wantNames(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "[" + strings.Join(names, " ") + "]"
}

func checkFingerprint(csr *x509.CertificateRequest, want string) error {
	if want == "" {
		return nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(want)
	if err != nil {
		return &ca.Error{Kind: ca.ErrForbidden, Detail: "error decoding fingerprint", Cause: err}
	}
	if got := sha256.Sum256(csr.Raw); !bytes.Equal(got[:], sum) {
		return ca.Errorf(ca.ErrForbidden, "certificate request fingerprint does not match %q", want)
	}
	return nil
}

// checkExactNames wants, for each kind of name that the request has, the same
// set as the grant's. A kind that is missing comes from the grant.
func checkExactNames(csr *x509.CertificateRequest, sans []ca.Identifier) error {
	if want := values(sans, ca.DNS); len(csr.DNSNames) > 0 && !sameSet(csr.DNSNames, want) {
		return ca.Errorf(ca.ErrForbidden, "certificate request does not contain the valid DNS names - got %v, want %v", csr.DNSNames, want)
	}
	if want := values(sans, ca.Email); len(csr.EmailAddresses) > 0 && !sameSet(csr.EmailAddresses, want) {
		return ca.Errorf(ca.ErrForbidden, "certificate request does not contain the valid email addresses - got %v, want %v", csr.EmailAddresses, want)
	}
	if len(csr.IPAddresses) > 0 {
		want := values(sans, ca.IP)
		got, allowed := make([]string, len(csr.IPAddresses)), make([]string, len(want))
		for i, ip := range csr.IPAddresses {
			got[i] = ip.String()
		}
		for i, ip := range want {
			allowed[i] = net.ParseIP(ip).String() // one spelling for comparison
		}
		if !sameSet(got, allowed) {
			return ca.Errorf(ca.ErrForbidden, "certificate request does not contain the valid IP addresses - got %v, want %v", got, want)
		}
	}
	if len(csr.URIs) > 0 {
		got, want := make([]string, len(csr.URIs)), values(sans, ca.URI)
		for i, u := range csr.URIs {
			got[i] = u.String()
		}
		if !sameSet(got, want) {
			return ca.Errorf(ca.ErrForbidden, "certificate request does not contain the valid URIs - got %v, want %v", got, want)
		}
	}
	return nil
}

func checkSubsetNames(got, allowed []string) error {
	for _, name := range got {
		if !slices.Contains(allowed, name) {
			return ca.Errorf(ca.ErrForbidden, "certificate request contains unauthorized DNS names - got %v, allowed %v", got, allowed)
		}
	}
	return nil
}

// values returns the values of one type, in order.
func values(ids []ca.Identifier, typ ca.IdentifierType) []string {
	out := []string{}
	for _, id := range ids {
		if id.Type == typ {
			out = append(out, id.Value)
		}
	}
	return out
}

// sameSet compares two lists as sets: duplicates collapse, case matters.
func sameSet(a, b []string) bool {
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			return false
		}
	}
	return true
}
