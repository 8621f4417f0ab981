package tpm

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
)

const (
	// maxResponse bounds an answer of a TPM, in bytes; TPMs stay below 4096.
	maxResponse = 64 << 10

	// responseHeader is the size of a tag, a size and a response code.
	responseHeader = 10

	// commandTimeout bounds one command to a socket. Simulators take some
	// seconds to make an RSA key.
	commandTimeout = 2 * time.Minute
)

// open opens a device: a socket, or what the system has.
func open(ctx context.Context, device string) (transport.TPMCloser, error) {
	for _, network := range []string{"unix", "tcp"} {
		if address, ok := strings.CutPrefix(device, network+":"); ok {
			return &socket{ctx, network, address}, nil
		}
	}
	tpm, err := openSystem(device)
	if err != nil {
		return nil, fmt.Errorf("opening the TPM: %w", err)
	}
	return tpm, nil
}

// A socket is a TPM that reads commands from connections. It is dialed for each
// of them, because such a TPM serves one connection at a time.
type socket struct {
	ctx              context.Context // of the operation the socket was opened for
	network, address string
}

// Send implements transport.TPM.
func (s *socket) Send(command []byte) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(s.ctx, s.network, s.address)
	if err != nil {
		return nil, fmt.Errorf("opening the TPM: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(commandTimeout)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(command); err != nil {
		return nil, fmt.Errorf("sending a command to the TPM: %w", err)
	}
	response, err := readResponse(conn)
	if err != nil {
		return nil, fmt.Errorf("reading the TPM's answer: %w", err)
	}
	return response, nil
}

// Close implements io.Closer.
func (s *socket) Close() error { return nil }

// readResponse reads one response, whose header says how long it is.
func readResponse(r io.Reader) ([]byte, error) {
	response := make([]byte, responseHeader)
	if _, err := io.ReadFull(r, response); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(response[2:])
	if size < responseHeader || size > maxResponse {
		return nil, fmt.Errorf("a response of %d bytes is not one", size)
	}
	response = append(response, make([]byte, size-responseHeader)...)
	_, err := io.ReadFull(r, response[responseHeader:])
	return response, err
}
