package provisioner

import (
	"crypto/x509"
	"fmt"

	"stepca/keyfile"
)

// checkX5CRoots refuses certificates that cannot sign others.
func checkX5CRoots(name string, data []byte) error {
	roots, err := keyfile.ParseCertificates(name, data)
	if err != nil {
		return err
	}
	for _, crt := range roots {
		if crt.KeyUsage&x509.KeyUsageCertSign == 0 {
			//lint:ignore ST1005 two sentences, as users know them
			return fmt.Errorf("error: certificate with common name '%s' cannot be used as an X5C root certificate.\n\n"+
				"X5C provisioner root certificates must have the 'Certificate Sign' key usage extension.", crt.Subject.CommonName)
		}
	}
	return nil
}

// checkAttestationRoots refuses certificates that are not those of a CA.
func checkAttestationRoots(name string, data []byte) error {
	roots, err := keyfile.ParseCertificates(name, data)
	if err != nil {
		return err
	}
	for _, crt := range roots {
		if !crt.IsCA || crt.KeyUsage&x509.KeyUsageCertSign == 0 {
			return fmt.Errorf("certificate with common name '%s' in %s is not that of a CA that signs certificates", crt.Subject.CommonName, name)
		}
	}
	return nil
}
