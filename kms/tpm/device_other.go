//go:build !linux && !windows

package tpm

import (
	"fmt"
	"runtime"

	"github.com/google/go-tpm/tpm2/transport"

	"stepca/kms"
)

// openSystem: Macs have a Secure Enclave instead of a TPM.
func openSystem(string) (transport.TPMCloser, error) {
	return nil, fmt.Errorf("a TPM %w on %s; use keys in files", kms.ErrUnsupported, runtime.GOOS)
}
