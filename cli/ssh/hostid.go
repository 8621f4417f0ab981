package ssh

import (
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/crypto/blake2b"

	"stepca/cli"
	"stepca/keyfile"
)

// parseHostID parses --host-id: a UUID, or "machine" for that of this machine.
func parseHostID(s string) (string, error) {
	switch id, err := uuid.Parse(s); {
	case s == "":
		return "", nil
	case s == "machine":
		return machineID()
	case err != nil:
		return "", fmt.Errorf("%w; options are [ machine | <UUID> ]", cli.InvalidValue("host-id", s))
	default:
		return id.String(), nil
	}
}

// machineID derives a UUID from the machine ID of systemd, which is not to be
// shown to others itself (machine-id(5)).
func machineID() (string, error) {
	data, err := keyfile.ReadFile("/etc/machine-id")
	if err != nil {
		return "", cli.FileError(err)
	}
	return hashMachineID(data)
}

// hashMachineID hashes as the reference does, so that a machine keeps its UUID.
func hashMachineID(data []byte) (string, error) {
	h, err := blake2b.New(16, []byte("man moon machine"))
	if err != nil {
		return "", err
	}
	h.Write(data)
	id, err := uuid.FromBytes(h.Sum(nil))
	if err != nil {
		return "", err
	}
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String(), nil
}
