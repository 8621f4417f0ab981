package ca

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/mholt/acmez/v3/acme"
	"github.com/spf13/cobra"

	nouns "stepca/ca"
	"stepca/cli"
	"stepca/client"
	"stepca/keyfile"
	"stepca/kms"
)

// attestFlags hold the flags of device attestation (device-attest-01): which key
// of which device, and who vouches for the device.
type attestFlags struct {
	uri        string
	caURL      string
	caRoot     string
	caInsecure bool
	storage    string
}

func (f *attestFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.uri, "attestation-uri", "", "with ACME, the KMS `URI` of a key that a device attests, such as tpmkms:name=laptop")
	flags.StringVar(&f.caURL, "attestation-ca-url", "", "the `URL` of the CA that certifies attestation keys of TPMs")
	flags.StringVar(&f.caRoot, "attestation-ca-root", "", "the PEM `file` with the roots that the server of --attestation-ca-url is trusted by")
	flags.BoolVar(&f.caInsecure, "attestation-ca-insecure", false, "do not verify the server of --attestation-ca-url")
	flags.StringVar(&f.storage, "tpm-storage-directory", "", "the `directory` of the files of TPM keys; the default is $(step path)/tpm")
	cli.Hide(cmd, "attestation-ca-insecure")
}

// check refuses combinations that make no sense.
func (f *attestFlags) check(cmd *cobra.Command, keyFile string) error {
	if f.uri == "" {
		for _, name := range []string{"attestation-ca-url", "attestation-ca-root", "attestation-ca-insecure", "tpm-storage-directory"} {
			if cmd.Flags().Changed(name) {
				return cli.RequiredWithFlag(name, "attestation-uri")
			}
		}
		if keyFile == "" {
			return cli.TooFewArgs(cmd)
		}
		return nil
	}
	for _, name := range []string{"kms", "san", "token", "offline", "standalone", "webroot", "tls-alpn", "dns-hook"} {
		if flag := cmd.Flag(name); flag != nil && flag.Changed {
			return cli.MutuallyExclusive("attestation-uri", name)
		}
	}
	if !kms.IsURI(f.uri) {
		return cli.InvalidValueReason("attestation-uri", f.uri, "it is not the URI of a key in a key management system")
	}
	return nil
}

// managerURI is the URI with what the flags say, which goes before what it says
// itself.
func (f *attestFlags) managerURI() string {
	scheme, rest, _ := strings.Cut(f.uri, ":")
	for _, attribute := range []struct{ name, value string }{
		{"attestation-ca-url", f.caURL}, {"attestation-ca-root", f.caRoot}, {"storage-directory", f.storage},
	} {
		if attribute.value != "" {
			rest = attribute.name + "=" + url.PathEscape(attribute.value) + ";" + rest
		}
	}
	if f.caInsecure {
		rest = "attestation-ca-insecure=true;" + rest
	}
	return scheme + ":" + rest
}

// attestedCertificate gets a certificate for a key that stays in a device, which
// attests it to an ACME server. How is not kept: the next one needs the device too.
func (f *certificateFlags) attestedCertificate(ctx context.Context, env *cli.Env, g *grant, spec keyfile.KeySpec) error {
	device, err := f.openDevice(ctx, env, spec)
	if err != nil {
		return err
	}
	defer device.close()
	csr, err := client.NewCSR(device.key, f.subject, nil)
	if err != nil {
		return err
	}
	id := acme.Identifier{Type: string(nouns.PermanentIdentifier), Value: f.subject}
	chain, err := f.order(ctx, env, g, device, []acme.Identifier{id}, csr)
	if err != nil {
		return err
	}
	for _, line := range device.described {
		env.Noticef("TPM INFO: %s", line)
	}
	if f.keyFile != "" {
		env.Noticef("The key stays in the device: %s is not written.", f.keyFile)
	}
	if err := saveCertificate(env, f.crtFile, chain); err != nil {
		return err
	}
	env.Selected("Private Key", f.attest.uri)
	return nil
}

// An attestedKey is a key in a device. It answers device-attest-01 challenges
// (draft-ietf-acme-device-attest §5).
type attestedKey struct {
	engine    kms.Engine
	uri       string
	key       crypto.Signer
	described []string // what the device says of itself, once it has attested
}

// openDevice opens the device of --attestation-uri and makes the key if it is not
// there.
func (f *certificateFlags) openDevice(ctx context.Context, env *cli.Env, spec keyfile.KeySpec) (d *attestedKey, err error) {
	engine, err := env.OpenKMS(ctx, f.attest.managerURI(), keyfile.Password{})
	if errors.Is(err, kms.ErrUnsupported) {
		return nil, fmt.Errorf("%w; keys in a TPM can be attested, with tpmkms:name=NAME", err)
	}
	if err != nil {
		return nil, err
	}
	d = &attestedKey{engine: engine, uri: f.attest.uri}
	defer func() {
		if err != nil {
			err = errors.Join(err, engine.Close())
		}
	}()
	if _, ok := engine.(kms.Attester); !ok {
		return nil, cli.InvalidValueReason("attestation-uri", f.attest.uri, "this key manager cannot attest its keys")
	}
	d.key, err = engine.Signer(ctx, f.attest.uri)
	switch {
	case err == nil && f.key.Used() != "":
		return nil, fmt.Errorf("flag '--%s' is for a new key, but %s is there", f.key.Used(), f.attest.uri)
	case err == nil || !errors.Is(err, kms.ErrNotFound):
		return d, err
	}
	creator, ok := engine.(kms.KeyCreator)
	if !ok {
		return nil, err
	}
	made, err := creator.CreateKey(ctx, f.attest.uri, spec)
	if err != nil {
		return nil, err
	}
	d.key, err = engine.Signer(ctx, made.URI)
	return d, err
}

func (d *attestedKey) close() error { return d.engine.Close() }

func (*attestedKey) kind() string { return acme.ChallengeTypeDeviceAttest01 }
func (*attestedKey) mode() string { return "Device Attestation" }

func (*attestedKey) present(context.Context, acme.Challenge) error { return nil }
func (*attestedKey) cleanUp(context.Context, acme.Challenge) error { return nil }
func (*attestedKey) stop() error                                   { return nil }

// A tpmStatement is the attestation statement of WebAuthn §8.3.
type tpmStatement struct {
	Version   string   `cbor:"ver"`
	Alg       int64    `cbor:"alg"`
	X5C       [][]byte `cbor:"x5c"`
	Signature []byte   `cbor:"sig"`
	CertInfo  []byte   `cbor:"certInfo"`
	PubArea   []byte   `cbor:"pubArea"`
}

// An attestationObject is a statement with its format (WebAuthn §6.5.4, without
// authData).
type attestationObject struct {
	Format    string       `cbor:"fmt"`
	Statement tpmStatement `cbor:"attStmt"`
}

// An attestationAnswer answers the challenge.
type attestationAnswer struct {
	AttObj string `json:"attObj"` // attestationObject, CBOR in base64url
}

// payload has the device attest the key, over the digest of the key
// authorization.
func (d *attestedKey) payload(ctx context.Context, c acme.Challenge) (any, error) {
	digest := sha256.Sum256([]byte(c.KeyAuthorization))
	a, err := d.engine.(kms.Attester).Attest(ctx, d.uri, digest[:])
	if err != nil {
		return nil, err
	}
	d.described = a.Device
	object := attestationObject{a.Format, tpmStatement{
		Version: "2.0", Alg: a.Alg, Signature: a.Signature, CertInfo: a.CertInfo, PubArea: a.PubArea,
	}}
	for _, crt := range a.Chain {
		object.Statement.X5C = append(object.Statement.X5C, crt.Raw)
	}
	encoded, err := cbor.Marshal(object)
	if err != nil {
		return nil, err
	}
	return attestationAnswer{base64.RawURLEncoding.EncodeToString(encoded)}, nil
}
