package template

import (
	"encoding/asn1"
	"encoding/base64"
	"strings"
	"text/template"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// asn1Funcs all return standard base64 of DER, for the value of an extension.
func asn1Funcs() template.FuncMap {
	return template.FuncMap{
		"asn1Enc":     asn1Enc,
		"asn1Marshal": asn1Marshal,
		"asn1Seq":     func(elements ...string) (string, error) { return asn1Wrap(cryptobyteasn1.SEQUENCE, elements) },
		"asn1Set":     func(elements ...string) (string, error) { return asn1Wrap(cryptobyteasn1.SET, elements) },
	}
}

// asn1Enc encodes a value in the language of EncodeValue.
func asn1Enc(value string) (string, error) {
	der, err := EncodeValue(value)
	return base64.StdEncoding.EncodeToString(der), err
}

// asn1Marshal encodes any Go value, with field parameters of encoding/asn1.
func asn1Marshal(v any, params ...string) (string, error) {
	der, err := asn1.MarshalWithParams(v, strings.Join(params, ","))
	return base64.StdEncoding.EncodeToString(der), err
}

// asn1Wrap puts encoded elements into a sequence or set, in the order given.
func asn1Wrap(tag cryptobyteasn1.Tag, elements []string) (string, error) {
	var contents []byte
	for _, element := range elements {
		der, err := base64.StdEncoding.DecodeString(element)
		if err != nil {
			return "", err
		}
		contents = append(contents, der...)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	der, err := b.Bytes()
	return base64.StdEncoding.EncodeToString(der), err
}
