package tpm

import (
	"errors"
	"io/fs"
	"os"

	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
)

// The devices of Linux. Behind the first is a resource manager, so that programs
// can use it at the same time; the second is for one program.
const (
	managedDevice = "/dev/tpmrm0"
	rawDevice     = "/dev/tpm0"
)

func openSystem(device string) (transport.TPMCloser, error) {
	if device == "" {
		device = managedDevice
		if _, err := os.Stat(device); errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(rawDevice); err == nil {
				device = rawDevice
			}
		}
	}
	tpm, err := linuxtpm.Open(device)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, &deviceError{err, "become a member of the device's group, which is tss on most systems"}
	case errors.Is(err, fs.ErrNotExist):
		return nil, &deviceError{err, "this machine has no TPM 2.0, or it is switched off in the firmware"}
	}
	return tpm, err
}

// A deviceError says what to do about an error.
type deviceError struct {
	err    error
	advice string
}

func (e *deviceError) Error() string { return e.err.Error() + "; " + e.advice }
func (e *deviceError) Unwrap() error { return e.err }
