package tpm

import (
	"fmt"

	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/windowstpm"

	"stepca/kms"
)

// openSystem opens the TPM Base Services, which have one TPM.
func openSystem(device string) (transport.TPMCloser, error) {
	if device != "" {
		return nil, fmt.Errorf("device %q %w on Windows, which has one TPM; leave the attribute out", device, kms.ErrUnsupported)
	}
	return windowstpm.Open()
}
