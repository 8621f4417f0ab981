package tpm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/go-tpm/tpm2"
)

// An info is what a TPM says about itself.
type info struct {
	Manufacturer    string // TCG vendor ID as text: "IBM", "INTC"
	ManufacturerID  uint32
	Model           string // vendor strings
	FirmwareVersion string // "8217.4131.22.13878"
}

func (i *info) lines() []string {
	return []string{
		"version: 2.0",
		fmt.Sprintf("manufacturer: %s (%08X)", i.Manufacturer, i.ManufacturerID),
		"model: " + i.Model,
		"firmware version: " + i.FirmwareVersion,
	}
}

// info reads the fixed properties (TPM 2.0 Part 2 §6.13).
func (s *session) info() (*info, error) {
	const last = tpm2.TPMPTFirmwareVersion2
	answer, err := tpm2.GetCapability{
		Capability:    tpm2.TPMCapTPMProperties,
		Property:      uint32(tpm2.TPMPTManufacturer),
		PropertyCount: uint32(last-tpm2.TPMPTManufacturer) + 1,
	}.Execute(s)
	if err != nil {
		return nil, fmt.Errorf("asking the TPM who made it: %w", err)
	}
	properties, err := answer.CapabilityData.Data.TPMProperties()
	if err != nil {
		return nil, err
	}
	i := new(info)
	var firmware [4]uint32
	var model strings.Builder
	for _, p := range properties.TPMProperty {
		switch p.Property {
		case tpm2.TPMPTManufacturer:
			i.ManufacturerID, i.Manufacturer = p.Value, text(p.Value)
		case tpm2.TPMPTVendorString1, tpm2.TPMPTVendorString2, tpm2.TPMPTVendorString3, tpm2.TPMPTVendorString4:
			model.WriteString(text(p.Value))
		case tpm2.TPMPTFirmwareVersion1:
			firmware[0], firmware[1] = p.Value>>16, p.Value&0xffff
		case tpm2.TPMPTFirmwareVersion2:
			firmware[2], firmware[3] = p.Value>>16, p.Value&0xffff
		}
	}
	i.Model = strings.TrimSpace(model.String())
	i.FirmwareVersion = fmt.Sprintf("%d.%d.%d.%d", firmware[0], firmware[1], firmware[2], firmware[3])
	return i, nil
}

// text is the printable part of four characters.
func text(value uint32) string {
	b := binary.BigEndian.AppendUint32(nil, value)
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, strings.TrimSpace(string(b)))
}
